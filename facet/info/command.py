"""``facet-info``: prints what is installed, which devices and data sets there are, and the state of every run."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from omegaconf import DictConfig

from facet import packaged
from facet.commands import run_command, say
from facet.configuration import check
from facet.errors import UserError, in_one_line
from facet.info.aligned import WIDTH, aligned, wrapped
from facet.info.data import data_sets
from facet.info.machine import facet, processor, processors
from facet.info.runs import FoundRun, find, headline
from facet.runs import versions


@dataclass(frozen=True)
class Settings:
    """facet-info: prints versions, devices, data sets and models that are there, and every run with its status and main
    numbers. With report=true, writes a page instead: every run in a sortable table, its learning curves and faces.
    """

    runs: str = "runs"  # the directory of all runs
    report: bool = False  # true: write the page runs/index.html into reports=
    reports: str = "reports"  # the directory of all pages
    groups: ClassVar[dict[str, str | None]] = {}


def main() -> None:
    """The console command."""
    run_command("info", info)


def info(config: DictConfig) -> Path | None:
    """Print the lines, or write the page.

    Returns:
        The page's ``index.html``; None for the lines.

    Raises:
        UserError: a mistake in the config, or a page that can't be written.
    """
    check(config, "info")
    if config.report:
        return write_page(Path(config.runs), Path(config.reports) / "runs")
    for line in lines(Path(config.runs)):
        print(in_one_line(line), flush=True)
    return None


def write_page(runs: Path, directory: Path) -> Path:
    """Write the page of all runs below ``runs`` into ``directory``.

    Raises:
        UserError: the directory can't be written.
    """
    from facet.info.page import write  # matplotlib takes a second

    found = find(runs)
    say(f"drawing the page of {len(found)} {'run' if len(found) == 1 else 'runs'}")  # a second for each experiment
    try:
        index = write(found, runs, directory)
    except OSError as error:
        raise UserError(f"{directory} can't be written ({error.strerror}): set reports=") from error
    say(f"the page: {index}")
    return index


def lines(runs: Path) -> Iterator[str]:
    """The printed lines, at most ``WIDTH`` characters each unless a path is longer."""
    installed = [f"{name} {version}" for name, version in versions()]
    yield from wrapped([("facet", [facet()]), ("versions", installed), ("CPU", processor()), ("GPU", processors())])
    yield from _headed("data", aligned(data_sets()))
    yield from _headed("models that come with Facet (facet-edit model=NAME)", [", ".join(packaged.names()) or "none"])
    yield from _headed(f"runs below {runs}", run_lines(find(runs)) or ["none"])


def _headed(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield title
    yield from (f"  {line}" for line in lines)


HEADS = ("status", "seed", "preset", "data", "ended", "MSE", "edits")
EDITS = "edits: the share that succeeds where the attribute is taken away / given, or the mean over several attributes"


def run_lines(runs: Iterable[FoundRun]) -> list[str]:
    """The table of runs, grouped by experiment. A run without numbers has the reason in a line below.

    Dates of this year have no year.
    """
    shown: list[list[str]] = []
    group = None
    for run in runs:
        if run.experiment != group:
            group = run.experiment
            shown += [[group]] if group else []
        mse, edits = headline(run)
        numbers = (run.status, run.seed, run.preset, run.data, run.ended.removeprefix(time.strftime("%Y-")), mse, edits)
        shown.append([f"  {run.name}", *numbers])
        if run.remark:
            shown.append([_cut(f"      {run.remark}", WIDTH - 2)])
    return [*aligned([["run", *HEADS], *shown]), EDITS] if shown else []


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


if __name__ == "__main__":
    main()
