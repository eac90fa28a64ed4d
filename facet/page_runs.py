"""Finds the runs of a page, by composing each row's config as its training did."""

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
    """The runs of a page: for each row, (seed, run directory) for every seed of ``config.seeds``.

    A row of ``page.beside`` is included only if it was trained. A row that doesn't accept an override is left out: its
    training failed.

    Args:
        page: the page.
        config: with ``seeds``, ``overrides`` (the trainings' other settings, as on the command line), ``runs`` and
            ``data`` (where the data are now).

    Raises:
        UserError: no row accepts an override or a place of data.
    """
    runs: dict[str, list[tuple[int, Path]]] = {}

    def find(row: str, seed: int, settings: DictConfig) -> None:
        path = run_directory(at(settings, config.data))
        if row in page.beside and not path.is_dir():
            return
        runs.setdefault(row, []).append((seed, path))
        if config.overrides and not path.is_dir():
            check(settings, "train", {})

    each_run(page, page.every_row, config, find)
    return runs


def each_run(
    page: Page, rows: Mapping[str, PageRow], config: DictConfig, visit: Callable[[str, int, DictConfig], None]
) -> list[str]:
    """Call a function for the run of every row and seed.

    Args:
        page: the page.
        rows: rows of the page, by key.
        config: as :func:`page_runs` takes it.
        visit: called with the row's key, the seed and the config that the run is trained with.

    Returns:
        The keys of the rows that don't accept an override; each was reported.

    Raises:
        UserError: no row accepts an override.
    """
    refused = {}
    for key, row in rows.items():
        for seed in config.seeds:
            try:
                visit(key, int(seed), _settings(row, int(seed), config, page))
            except Exception as error:
                line = user_message("train", error)
                if line is None:
                    raise
                refused[key] = line
    named = [each for each in config.overrides if not each.startswith("logger")]  # which every row takes
    overrides = f"{' '.join(named)}: " if named else ""
    if set(page.rows) <= set(refused):
        raise UserError(f"{overrides}{next(iter(refused.values()))}")
    for key, line in refused.items():
        say(f"{key} has no run: {overrides}{line}", "yellow")
    return list(refused)


def training(row: PageRow, seed: int, config: DictConfig, page: Page) -> tuple[str, ...]:
    """The arguments of ``facet-train`` for a row's run."""
    return (*row.run.split(), f"seed={seed}", f"runs={config.runs}", *of_page(page, config.overrides))


def of_page(page: Page, overrides: Iterable[str]) -> list[str]:
    """The overrides for a page's runs, without ``data=`` on a page whose data set is fixed (the digits)."""
    return [override for override in overrides if page.data or not override.startswith("data=")]


def _settings(row: PageRow, seed: int, config: DictConfig, page: Page) -> DictConfig:
    """A run's config, as its training composes it. Seeds and places of runs share what takes time."""
    settings = _composed((*row.run.split(), *of_page(page, config.overrides))).copy()
    if settings.debug is not None:
        raise UserError(f"debug={settings.debug}: no debug run is on a page: give it to facet-train")
    settings.seed, settings.runs = seed, str(config.runs)
    return settings


@lru_cache(maxsize=512)
def _composed(overrides: tuple[str, ...]) -> DictConfig:
    """A row's config, but for seed and place. It is cached: callers change copies only."""
    return compose_config("train", overrides)
