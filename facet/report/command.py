"""``facet-report``: pages from their runs' results."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge, MinLen
from omegaconf import DictConfig

from facet import comparisons, pages, results, rows
from facet.commands import USER, run_command, say
from facet.configuration import check, digest
from facet.errors import ToldError, UserError
from facet.files import read_json, write_json
from facet.identity import Places
from facet.measures import drawn, registry
from facet.page_arguments import for_pages
from facet.page_runs import of_page, page_runs
from facet.pages import Page
from facet.results import Found, read_run
from facet.wandb_table import log_table


@dataclass(frozen=True)
class Settings:
    """facet-report: writes pages from the results of judged runs. Example: facet-report table1 seeds=0,1,2. Runs that
    failed or are missing are marked. Settings that aren't listed here are those that the runs were trained with.
    """

    pages: tuple[str, ...] = ()  # names of pages (below), groups of them (aif, jacsup, all), or your own files
    seeds: Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(1)] = (0,)  # the seeds of the runs
    overrides: tuple[str, ...] = ()  # the trainings' other settings; keys that aren't listed go here
    allow: tuple[str, ...] = ()  # packages of plug-ins that configs may use; only on the command line
    runs: str = "runs"  # the directory of all runs
    data: Places = field(default_factory=Places)  # where the data are now, if they were moved after the training
    reports: str = "reports"  # pages are written to reports/<page>/
    commands: tuple[str, ...] = ()  # at the page's foot: how to make it again; derived from the settings if empty
    groups: ClassVar[dict[str, str | None]] = {"logger": "wandb"}


def main() -> None:
    """The console command."""
    run_command("report", report, read=for_pages("report"))


def report(config: DictConfig) -> list[Path]:
    """Write pages; one that can't be made doesn't take the others along.

    Returns:
        Their ``index.html``.

    Raises:
        UserError: no such page, or nothing of it is trained.
        ToldError: nothing of it is judged, and the page says why; or some of several pages could not be made.
    """
    check(config, "report")
    if not config.pages:
        raise UserError("say which page: facet-report table1")
    chosen = pages.chosen(config.pages)
    written, failed = [], []
    for page in chosen:
        try:
            written.append(report_page(page, config))
        except (UserError, ToldError) as error:
            if len(chosen) == 1:
                raise
            say(f"{page.name}: {error}", "red")
            failed.append(page.name)
    if failed:
        raise ToldError(f"not made, or without numbers: {', '.join(failed)}", USER)
    return written


def report_page(page: Page, config: DictConfig) -> Path:
    """Write one page, unless it is there and nothing that it is made from has changed.

    Returns, Raises:
        As :func:`report`.
    """
    nothing = f"no run of {page.name} is below runs={config.runs}: train first, or set runs="
    asked = config.overrides or any(place is not None for place in config.data.values())  # which rows may refuse
    if not asked and not Path(config.runs).is_dir():
        raise UserError(nothing)
    found = page_runs(page, config)
    states = {read_run(row, *run).state for row, runs in found.items() for run in runs}
    if states <= {"never run"}:
        raise UserError(nothing)
    directory = Path(config.reports) / page.name
    shown = list(config.commands) or commands(page, config, found)
    inputs = fingerprint(page, found, shown)
    if read_json(directory / "inputs.json").get("digest") == inputs and (directory / "index.html").is_file():
        say(f"the page is there already: {directory / 'index.html'}")
    else:
        _write(page, found, directory, shown)
        log_table(page, config, directory)
        write_json(directory / "inputs.json", {"digest": inputs})
        say(f"the page: {directory / 'index.html'}")
    if "evaluated" not in states:
        line = f"no run on {directory / 'index.html'} has numbers ({', '.join(sorted(states))})"
        raise ToldError(f"{line}: judge them with facet-evaluate", USER)
    return directory / "index.html"


def _write(page: Page, found: Found, directory: Path, shown: Sequence[str]) -> None:
    from facet.report.page import write  # matplotlib takes a second, and often there is nothing to draw

    try:  # results are read by a schema, which doesn't tell whether they belong together
        write(page, found, directory, shown)
    except UserError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise UserError(
            f"the page of {page.name} can't be made of what its runs hold ({type(error).__name__}: {error}): judge "
            f"them again with facet-evaluate {page.name} force=true"
        ) from error


def fingerprint(page: Page, found: Found, shown: Sequence[str]) -> str:
    """Changes with what the page is made from: the runs' results, the page's file, and the code that makes it."""
    sources = [file for file in sorted(Path(__file__).parent.rglob("*.*")) if "__pycache__" not in file.parts]
    sources += [Path(str(module.__file__)) for module in (comparisons, drawn, pages, registry, results, rows)]
    paths = [path for runs in found.values() for _, path in runs]
    held = {str(path): [_held(path / name) for name in ("results.json", "status.json")] for path in paths}
    made_by = [_held(file) for file in sources]
    return digest({"rows": held, "page": repr(page), "commands": list(shown), "made_by": made_by})


def _held(file: Path) -> str:
    """By content: a copy, or a clock that was set back, changes nothing and hides nothing."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def commands(page: Page, config: DictConfig, rows: Collection[str]) -> list[str]:
    """The commands that make a page of these rows from nothing, step by step."""
    seeds = ",".join(map(str, config.seeds))
    said = [row.run.split() for key, row in page.every_row.items() if key in page.rows or key in rows]
    asked = shlex.join([page.name, f"seeds={seeds}", *config.overrides])
    return [
        *(f"facet-train -m {shlex.join([*run, f'seed={seeds}', *of_page(page, config.overrides)])}" for run in said),
        f"facet-evaluate {asked}",
        f"facet-report {asked}",
    ]


if __name__ == "__main__":
    main()
