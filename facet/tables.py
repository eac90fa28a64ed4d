"""Which runs a table consists of: found by composing each row's config again, as training did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from facet.commands import user_message
from facet.configuration import compose_config
from facet.errors import UserError
from facet.runs import run_directory


@dataclass(frozen=True)
class Table:
    """A table as ``conf/table/`` names it.

    Attributes:
        name: of the report.
        experiments: row -> experiment, in the table's order.
    """

    name: str
    experiments: Mapping[str, str]


def table_runs(config: DictConfig) -> list[tuple[str, int, Path]]:
    """(row, seed, run directory) for every row of ``config.table`` and every one of ``config.seeds``.

    Args:
        config: with ``table`` (rows and their experiments), ``seeds``, ``overrides`` (what else the runs were trained
            with, as on the command line) and ``runs``.

    Raises:
        UserError: an override that does not exist.
    """
    found = []
    for row, experiment in config.table.experiments.items():
        for seed in config.seeds:
            overrides = [f"experiment={experiment}", f"seed={seed}", f"runs={config.runs}", *config.overrides]
            try:
                composed = compose_config("train", overrides)
            except Exception as error:
                line = user_message("train", error)
                if line is None:
                    raise
                raise UserError(f"overrides={list(config.overrides)}: {line}") from error
            found.append((str(row), int(seed), run_directory(composed)))
    return found
