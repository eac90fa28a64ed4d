"""``facet-report``: a table's page from its runs' results."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, MinLen
from omegaconf import DictConfig

from facet.commands import USER, run_command, say
from facet.configuration import check, digest
from facet.errors import ToldError, UserError
from facet.files import read_json, write_json
from facet.identity import Places
from facet.report.results import RowRuns, State, read_run
from facet.tables import table_runs
from facet.tags import tags


@dataclass(frozen=True)
class Settings:
    """facet-report: a table's page from its runs' results. Runs that failed or are missing are marked."""

    seeds: Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(1)] = (0,)
    overrides: tuple[str, ...] = ()  # what the runs were trained with besides their row's words and a seed
    allow: tuple[str, ...] = ()  # packages of plug-ins that configs may use; on the command line alone
    runs: str = "runs"
    data: Places = field(default_factory=Places)  # where the data are now, if they have moved since the training
    reports: str = "reports"  # the page goes to reports/<table>/
    commands: tuple[str, ...] = ()  # how to make it again, for the page's foot; derived from the settings if empty
    groups: ClassVar[dict[str, str | None]] = {"table": None, "logger": "wandb"}


def main() -> None:
    """The console command."""
    run_command("report", report)


def report(config: DictConfig) -> Path:
    """Write the page of a table.

    Returns:
        ``index.html``.

    Raises:
        UserError: no such table, or nothing of it is trained.
        ToldError: nothing of it is judged; the page says why.
    """
    check(config, "report")
    if config.get("table") is None:
        raise UserError("say which table: table=table1")
    name = str(config.table.name)
    nothing = f"no run of {name} is below runs={config.runs}: train first, or set runs="
    asked = config.overrides or any(place is not None for place in config.data.values())  # which rows may refuse
    if not asked and not Path(config.runs).is_dir():
        raise UserError(nothing)
    runs: dict[str, list[tuple[int, Path]]] = defaultdict(list)
    for row, seed, path in table_runs(config):
        runs[row].append((seed, path))
    states = {read_run(row, *run).state for row, found in runs.items() for run in found}
    if states <= {"never run"}:
        raise UserError(nothing)
    rows = [RowRuns(row, row, tuple(found)) for row, found in runs.items()]
    directory = Path(config.reports) / name
    shown = list(config.commands) or commands(config, runs)
    inputs = fingerprint(rows, shown)
    if read_json(directory / "inputs.json").get("digest") == inputs and (directory / "index.html").is_file():
        say(f"the page is there already: {directory / 'index.html'}")
        return _with_numbers(directory / "index.html", states)
    from facet.report import (
        aif_figures,
        characteristics,
        compare,
        growth_page,
        kl_page,
        staged_page,
    )  # matplotlib takes a second, and often there is nothing to draw
    from facet.report.page import write_report
    from facet.report.tables import TableSpec

    page_of = next(
        (
            page
            for page in (aif_figures, characteristics, compare, growth_page, kl_page, staged_page)
            if name in page.PAGES
        ),
        None,
    )
    try:
        table = None if page_of else TableSpec.of(name)
    except ValueError as error:
        raise UserError(str(error)) from error
    titles = {**dict(table.rows), **(dict(table.beside.rows) if table.beside else {})} if table else {}
    rows = [replace(row, title=titles.get(row.key, row.key)) for row in rows]
    write = partial(write_report, table) if table else partial(page_of.write_report, name)  # type: ignore[union-attr]
    try:  # results are read by a schema, which doesn't tell whether they belong together
        page = write(rows, directory, shown)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        raise UserError(
            f"the page of {name} can't be made of what its runs hold ({type(error).__name__}: {error}): judge them "
            "again with facet-evaluate table=… force=true"
        ) from error
    log_table(config, directory)
    write_json(directory / "inputs.json", {"digest": inputs})
    say(f"the page: {page}")
    return _with_numbers(page, states)


def _with_numbers(page: Path, states: set[State]) -> Path:
    if "evaluated" not in states:
        line = f"no run on {page} has numbers ({', '.join(sorted(states))}): judge them with facet-evaluate"
        raise ToldError(line, USER)
    return page


def fingerprint(rows: list[RowRuns], shown: list[str]) -> str:
    """Changes with what the page is made from: the runs' results, and the code that makes it."""
    sources = [file for file in sorted(Path(__file__).parent.rglob("*.*")) if "__pycache__" not in file.parts]
    found = {
        str(path): [_held(path / name) for name in ("results.json", "status.json")]
        for row in rows
        for _, path in row.runs
    }
    return digest({"rows": found, "commands": shown, "made_by": [_held(file) for file in sources]})


def _held(file: Path) -> str:
    """By content: a copy, or a clock that was set back, changes nothing and hides nothing."""
    if not file.is_file():
        return ""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def commands(config: DictConfig, rows: Collection[str]) -> list[str]:
    """The commands that make a page of these rows from nothing."""
    seeds = ",".join(str(seed) for seed in config.seeds)
    quoted = ",".join(f'"{override}"' for override in config.overrides)
    table = f"table={config.table.name} 'seeds=[{seeds}]' 'overrides=[{quoted}]'"
    beside = [name for row, name in (config.table.get("beside") or {}).items() if row in rows]
    said = [*config.table.experiments.values(), *beside]
    return [
        *(" ".join(["facet-train -m", *words.split(), f"seed={seeds}", *config.overrides]) for words in said),
        f"facet-evaluate {table}",
        f"facet-report {table}",
    ]


def log_table(config: DictConfig, directory: Path) -> None:
    """The table as a W&B Table with the grids of faces, in a run of its own."""
    if config.logger.mode == "disabled":
        return
    import csv
    import os

    import wandb

    os.environ.setdefault("WANDB_SILENT", "true")
    with (directory / "table.csv").open(newline="") as lines:
        rows = list(csv.reader(lines))
    columns: list[str | int] = list(rows[0])
    settings: dict[str, Any] = {"project": config.logger.project, "entity": config.logger.entity}
    settings |= {"mode": config.logger.mode, "dir": str(directory), "group": config.table.name, "job_type": "report"}
    said = {"table": config.table.name, "seeds": list(config.seeds), "overrides": list(config.overrides)}
    with wandb.init(**settings, name=config.table.name, config=said, tags=tags(config.overrides)) as run:
        table = wandb.Table(columns=columns, data=[[_number(cell) for cell in row] for row in rows[1:]])
        grids = [wandb.Image(str(file), caption=file.stem) for file in sorted(directory.glob("grid-*.png"))]
        run.log({config.table.name: table, **({"grids": grids} if grids else {})})


def _number(cell: str) -> float | str | None:
    if not cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return cell


if __name__ == "__main__":
    main()
