"""Which runs a table consists of: found by composing each row's config again, as training did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
        beside: the same for variations that the paper's table does not have; they are not waited for.
    """

    name: str
    experiments: Mapping[str, str]
    beside: Mapping[str, str] = field(default_factory=dict)


def table_runs(config: DictConfig) -> list[tuple[str, int, Path]]:
    """(row, seed, run directory) for every row of ``config.table`` and every one of ``config.seeds``.

    Rows beside the table come last, and only those that there are.

    Args:
        config: with ``table`` (rows and their experiments), ``seeds``, ``overrides`` (what else the runs were trained
            with, as on the command line) and ``runs``.

    Raises:
        UserError: an override that does not exist.
    """
    found = []
    beside = config.table.get("beside") or {}
    for row, experiment in [*config.table.experiments.items(), *beside.items()]:
        for seed in config.seeds:
            overrides = [f"experiment={experiment}", f"seed={seed}", f"runs={config.runs}", *config.overrides]
            try:
                composed = compose_config("train", overrides)
            except Exception as error:
                line = user_message("train", error)
                if line is None:
                    raise
                raise UserError(f"overrides={list(config.overrides)}: {line}") from error
            path = run_directory(composed)
            if row not in beside or path.is_dir():
                found.append((str(row), int(seed), path))
    return found
