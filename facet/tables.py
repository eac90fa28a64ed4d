"""Which runs a table consists of: found by composing each row's config again, as training did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from omegaconf import DictConfig

from facet.commands import say
from facet.configuration import check, compose_config
from facet.errors import UserError
from facet.identity import at, run_directory
from facet.refusals import user_message


@dataclass(frozen=True)
class Table:
    """A table as ``conf/table/`` names it.

    Attributes:
        name: of the report.
        experiments: row -> what is said to train it, in the table's order.
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
    beside, found = config.table.get("beside") or {}, list[tuple[str, int, Path]]()

    def find(row: str, seed: int, settings: DictConfig) -> None:
        path = run_directory(at(settings, config.data))
        if row in beside and not path.is_dir():
            return
        found.append((row, seed, path))
        if config.overrides and not path.is_dir():
            check(settings, "train", {})

    each_run(config, {**config.table.experiments, **beside}, find)
    return found


def each_run(config: DictConfig, rows: Mapping[str, str], look: Callable[[str, int, DictConfig], None]) -> list[str]:
    """Look at the run of every row and seed; returns the rows that don't take an override, each told.

    Args:
        config: as :func:`table_runs` takes it.
        rows: row -> experiment, and what else is said.
        look: given row, seed and the config that the run is trained with.

    Raises:
        UserError: an override that no row takes.
    """
    refused = {}
    for row, experiment in rows.items():
        for seed in config.seeds:
            try:
                look(str(row), int(seed), _composed(training(str(experiment), seed, config)))
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
    return list(refused)


def training(words: str, seed: int, config: DictConfig) -> tuple[str, ...]:
    """What is said to ``facet-train`` for a row's run."""
    return (*words.split(), f"seed={seed}", f"runs={config.runs}", *config.overrides)


@lru_cache(maxsize=256)
def _composed(said: tuple[str, ...]) -> DictConfig:
    """A row's config as a sweep composes it; whoever has it doesn't change it."""
    return compose_config("train", said)
