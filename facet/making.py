"""Objects from nodes of a config. Nothing here imports torch: data that are refused are refused at once."""

from __future__ import annotations

import re
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig

from facet.errors import UserError


def make(node: DictConfig, **extra: Any) -> Any:
    """Instantiate a node; a constructor's ``ValueError`` is the user's mistake.

    Raises:
        UserError: with the constructor's own words, and which node it was of where they begin with an argument.
    """
    try:
        return instantiate(node, **extra)
    except InstantiationException as error:
        cause = error.__cause__
        while cause is not None and not _users(cause):
            cause = cause.__cause__
        if cause is None:
            raise
        words, where = " ".join(str(cause).split()), re.search(r"full_key: (\S+)", str(error))
        unplaced = where and re.match(r"\w+=", words) and not words.startswith(f"{where[1]}=")
        raise UserError(f"{where[1]}.{words}" if where and unplaced else words) from error


def _users(error: BaseException) -> bool:
    """Whether an error is the user's: a ``ValueError``, or what Lightning raises in its place."""
    return isinstance(error, ValueError) or type(error).__name__ == "MisconfigurationException"
