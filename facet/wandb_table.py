"""A page's tidy table as a run of W&B."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from facet.pages import Page
from facet.tags import tags


def log_table(page: Page, config: DictConfig, directory: Path) -> None:
    """The tidy table as a W&B Table with the grids of faces, in a run of its own."""
    if config.logger.mode == "disabled":
        return
    import wandb

    os.environ.setdefault("WANDB_SILENT", "true")
    with (directory / "table.csv").open(newline="") as lines:
        rows = list(csv.reader(lines))
    columns: list[str | int] = list(rows[0])
    settings: dict[str, Any] = {"project": config.logger.project, "entity": config.logger.entity}
    settings |= {"mode": config.logger.mode, "dir": str(directory), "group": page.name, "job_type": "report"}
    said = {"page": page.name, "seeds": list(config.seeds), "overrides": list(config.overrides)}
    with wandb.init(**settings, name=page.name, config=said, tags=tags(config.overrides)) as run:
        table = wandb.Table(columns=columns, data=[[_number(cell) for cell in row] for row in rows[1:]])
        grids = [wandb.Image(str(file), caption=file.stem) for file in sorted(directory.glob("grid-*.png"))]
        run.log({page.name: table, **({"grids": grids} if grids else {})})


def _number(cell: str) -> float | str | None:
    if not cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return cell
