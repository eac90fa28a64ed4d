"""Which runs a table consists of: found by composing each row's config again, as training did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig

from facet.commands import lenient, say
from facet.configuration import check, compose_config
from facet.errors import UserError
from facet.identity import at, run_directory
from facet.refusals import user_message


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

    Rows beside the table come last, and only those that there are. A row that doesn't take an override was never
    trained: its training failed with a line.

    Args:
        config: with ``table`` (rows and their experiments), ``seeds``, ``overrides`` (what else the runs were trained
            with, as on the command line), ``runs`` and ``data`` (where the data are now).

    Raises:
        UserError: an override, or a place of data, that no row takes.
    """
    found, refused = [], {}
    beside = config.table.get("beside") or {}
    for row, experiment in {**config.table.experiments, **beside}.items():
        for seed in config.seeds:
            try:
                composed = _composed(str(experiment), seed, config)
                path = run_directory(at(composed, config.data))
                if row in beside and not path.is_dir():
                    continue
                found.append((str(row), int(seed), path))
                if config.overrides and not path.is_dir():
                    check(composed, "train", {})
            except Exception as error:
                line = user_message("train", error)
                if line is None:
                    raise
                refused[row] = line
    said = f"overrides={list(config.overrides)}: " if config.overrides else ""
    if set(config.table.experiments) <= set(refused):
        raise UserError(f"{said}{next(iter(refused.values()))}")
    for row, line in refused.items():
        say(f"{row} has no run: {said}{line}", "yellow")
    return found


def _composed(experiment: str, seed: int, config: DictConfig) -> DictConfig:
    """A row's config as a sweep composes it, where a setting may be one that other rows alone know."""
    overrides = [f"experiment={experiment}", f"seed={seed}", f"runs={config.runs}", *config.overrides]
    return compose_config("train", [lenient(override) for override in overrides])
