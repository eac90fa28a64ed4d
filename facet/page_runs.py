"""Which runs a page consists of: found by composing each row's config again, as training did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from omegaconf import DictConfig

from facet.commands import say
from facet.configuration import check, compose_config
from facet.errors import UserError
from facet.identity import at, run_directory
from facet.pages import Page, PageRow
from facet.refusals import user_message


def page_runs(page: Page, config: DictConfig) -> dict[str, list[tuple[int, Path]]]:
    """By row: (seed, run directory) for every one of ``config.seeds``.

    Of the rows beside the page's own, only those that were trained are there. A row that doesn't take an override was
    never trained: its training failed with a line.

    Args:
        page: which.
        config: with ``seeds``, ``overrides`` (what else the runs were trained with, as on the command line), ``runs``
            and ``data`` (where the data are now).

    Raises:
        UserError: an override, or a place of data, that no row takes.
    """
    found: dict[str, list[tuple[int, Path]]] = {}

    def find(row: str, seed: int, settings: DictConfig) -> None:
        path = run_directory(at(settings, config.data))
        if row in page.beside and not path.is_dir():
            return
        found.setdefault(row, []).append((seed, path))
        if config.overrides and not path.is_dir():
            check(settings, "train", {})

    each_run(page, page.every_row, config, find)
    return found


def each_run(
    page: Page, rows: Mapping[str, PageRow], config: DictConfig, look: Callable[[str, int, DictConfig], None]
) -> list[str]:
    """Look at the run of every row and seed; returns the rows that don't take an override, each told.

    Args:
        page: whose rows they are.
        rows: by key.
        config: as :func:`page_runs` takes it.
        look: given row, seed and the config that the run is trained with.

    Raises:
        UserError: an override that no row takes.
    """
    refused = {}
    for key, row in rows.items():
        for seed in config.seeds:
            try:
                look(key, int(seed), _composed(training(row, seed, config, page)))
            except Exception as error:
                line = user_message("train", error)
                if line is None:
                    raise
                refused[key] = line
    asked = [each for each in config.overrides if not each.startswith("logger")]  # which every row takes
    said = f"{' '.join(asked)}: " if asked else ""
    if set(page.rows) <= set(refused):
        raise UserError(f"{said}{next(iter(refused.values()))}")
    for key, line in refused.items():
        say(f"{key} has no run: {said}{line}", "yellow")
    return list(refused)


def training(row: PageRow, seed: int, config: DictConfig, page: Page) -> tuple[str, ...]:
    """What is said to ``facet-train`` for a row's run."""
    return (*row.run.split(), f"seed={seed}", f"runs={config.runs}", *of_page(page, config.overrides))


def of_page(page: Page, overrides: Iterable[str]) -> list[str]:
    """The overrides that a page's runs get: a page of digits has no data set to choose."""
    return [each for each in overrides if page.data or not each.startswith("data=")]


@lru_cache(maxsize=512)
def _composed(said: tuple[str, ...]) -> DictConfig:
    """A row's config as a sweep composes it; whoever has it doesn't change it."""
    return compose_config("train", said)
