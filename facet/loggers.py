"""The loggers of a run: always ``metrics.csv``, and W&B, which is offline by default."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from lightning_fabric.utilities.rank_zero import rank_zero_only
from pytorch_lightning.loggers import CSVLogger, Logger, WandbLogger

from facet import tags as allowed
from facet.curves import CurvesLogger
from facet.files import atomic_write
from facet.metrics import rows

Mode = Literal["offline", "online", "disabled"]


def make_loggers(
    run: Path,
    experiment: str,
    tags: Sequence[str],
    config: dict[str, Any],
    batches: int = 0,
    mode: Mode = "offline",
    project: str = "facet",
    entity: str | None = None,
) -> list[Logger]:
    """The loggers of a run.

    Args:
        run: the run directory; ``metrics.csv`` and ``wandb/`` are written there.
        experiment: W&B's group.
        tags: W&B's tags: ablation and preset.
        config: the whole config as plain values.
        batches: how many training batches a resumed run has processed; their rows in ``metrics.csv`` are kept, and are
            logged again to W&B's offline run.
        mode: W&B's mode; ``offline`` needs no account and asks nothing, ``wandb sync`` uploads it later.
        project: W&B's project.
        entity: W&B's user or team.
    """
    csv_logger = (
        CurvesLogger(run, batches)
        if rank_zero_only.rank == 0  # type: ignore[attr-defined]
        else CSVLogger(run, name="", version="")
    )
    loggers: list[Logger] = [csv_logger]
    if mode != "disabled":
        os.environ.setdefault("WANDB_SILENT", "true")
        wandb = WandbLogger(
            name=f"{experiment.rsplit('/', 1)[-1]}-{run.name}",
            id=wandb_id(run),
            save_dir=str(run),
            offline=mode == "offline",
            project=project,
            entity=entity,
            group=experiment,
            tags=allowed.tags(tags),
            config=config,
        )
        wandb._wandb_init.pop("anonymous", None)  # Lightning still passes it, and W&B warns about it in every run
        # Each offline start writes a new file, and a killed process leaves an empty one: log the earlier rows again.
        if mode == "offline":
            for row in rows(run / "metrics.csv"):
                numbers = {name: float(value) for name, value in row.items() if name != "step"}
                wandb.log_metrics(numbers, step=int(float(row["step"])))
        loggers.append(wandb)
    return loggers


def log_judged(run: Path, judged: Mapping[str, float], mode: Mode, project: str, entity: str | None) -> None:
    """Put a judged run's numbers into the summary of its W&B run, where dashboards find them.

    Args:
        run: the run directory.
        judged: numbers by name, such as ``test/mse``.
        mode: W&B's mode; ``disabled`` does nothing.
        project, entity: those that the run was trained with.
    """
    if mode == "disabled" or not judged or not (run / "wandb-id").is_file():
        return
    import wandb

    os.environ.setdefault("WANDB_SILENT", "true")
    with wandb.init(
        id=wandb_id(run), resume="allow", project=project, entity=entity, mode=mode, dir=str(run)
    ) as resumed:
        resumed.summary.update(dict(judged))


def wandb_id(run: Path) -> str:
    """The run's W&B id. It is stored in the run directory, so that a resumed run continues the same W&B run."""
    file = run / "wandb-id"
    known = file.read_text("utf-8", "replace") if file.is_file() else ""
    if re.fullmatch(r"[\w-]{1,64}", known):
        return known
    new = uuid.uuid4().hex[:8]
    atomic_write(file, lambda handle: handle.write(new.encode()))
    return new
