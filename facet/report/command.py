"""``facet-report``: a table's page from its runs' results."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from facet.commands import run_command, say
from facet.configuration import check
from facet.errors import UserError
from facet.report.page import write_report
from facet.report.results import RowRuns
from facet.report.tables import TableSpec
from facet.tables import table_runs


def main() -> None:
    """The console command."""
    run_command("report", report)


def report(config: DictConfig) -> Path:
    """Write the page of a table.

    Returns:
        ``index.html``.

    Raises:
        UserError: no such table.
    """
    check(config, "report")
    if config.table is None:
        raise UserError("say which table: table=table1")
    table = TableSpec.of(config.table.name)
    titles = dict(table.rows)
    runs: dict[str, list[tuple[int, Path]]] = defaultdict(list)
    for row, seed, path in table_runs(config):
        runs[row].append((seed, path))
    rows = [RowRuns(row, titles[row], tuple(found)) for row, found in runs.items()]
    directory = Path(config.reports) / table.name
    page = write_report(table, rows, directory, list(config.commands) or commands(config))
    log_table(config, directory)
    say(f"the page: {page}")
    return page


def commands(config: DictConfig) -> list[str]:
    """The three commands that make the page from nothing."""
    seeds = ",".join(str(seed) for seed in config.seeds)
    quoted = ",".join(f'"{override}"' for override in config.overrides)
    table = f"table={config.table.name} 'seeds=[{seeds}]' 'overrides=[{quoted}]'"
    experiments = ",".join(config.table.experiments.values())
    return [
        " ".join(["facet-train -m", f"experiment={experiments}", f"seed={seeds}", *config.overrides]),
        f"facet-evaluate {table}",
        f"facet-report {table}",
    ]


def log_table(config: DictConfig, directory: Path) -> None:
    """The table as a W&B Table, in a run of its own, with the page's grids."""
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
    with wandb.init(
        **settings, mode=config.logger.mode, dir=str(directory), group=config.table.name, job_type="report"
    ) as run:
        run.log(
            {
                config.table.name: wandb.Table(
                    columns=columns, data=[[_number(cell) for cell in row] for row in rows[1:]]
                )
            }
        )


def _number(cell: str) -> float | str | None:
    if not cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return cell


if __name__ == "__main__":
    main()
