"""Instantiates nodes of a config. It doesn't import torch, so that bad data settings are refused quickly."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from facet.errors import UserError
from facet.targets import refuse_foreign


def make(node: DictConfig, **extra: Any) -> Any:
    """Instantiate a node; a constructor's ``ValueError`` is the user's mistake.

    Raises:
        UserError: a ``_target_`` is not allowed, or a constructor raised ``ValueError``. The message is the
            constructor's; if it begins with an argument's name, the node's key is put before it.
    """
    resolved = deepcopy(node)  # resolved before the check, so that what is checked is what is built
    resolved._set_parent(node._get_parent())
    OmegaConf.resolve(resolved)
    refuse_foreign(resolved, str(node._get_full_key(None)))
    try:
        return instantiate(resolved, **extra)
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
    """Whether an error is the user's mistake: a ``ValueError``, or what Lightning raises instead."""
    return isinstance(error, ValueError) or type(error).__name__ == "MisconfigurationException"
