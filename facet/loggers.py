"""Where a run's numbers and pictures go: always a CSV file, and W&B, offline unless asked otherwise."""

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
        run: its directory; ``metrics.csv`` and ``wandb/`` are written there.
        experiment: W&B's group.
        tags: W&B's tags: ablation and preset.
        config: the whole config, plain.
        batches: how many a resumed run has behind it; what ``metrics.csv`` holds of them is kept, and is where W&B's
            offline run begins again.
        mode: of W&B; ``offline`` needs no account and asks nothing, ``wandb sync`` uploads it later.
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
        if mode == "offline":  # each start writes a file of its own, and a process that is killed leaves an empty one
            for row in rows(run / "metrics.csv"):
                numbers = {name: float(value) for name, value in row.items() if name != "step"}
                wandb.log_metrics(numbers, step=int(float(row["step"])))
        loggers.append(wandb)
    return loggers


def log_judged(run: Path, judged: Mapping[str, float], mode: Mode, project: str, entity: str | None) -> None:
    """Put a judged run's numbers into the summary of its W&B run, where dashboards find them.

    Args:
        run: its directory.
        judged: numbers by name, such as ``test/mse``.
        mode, project, entity: as the run was trained with.
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
    """The run's id at W&B, kept beside it, so that a resumed run goes on in the same one."""
    file = run / "wandb-id"
    known = file.read_text("utf-8", "replace") if file.is_file() else ""
    if re.fullmatch(r"[\w-]{1,64}", known):
        return known
    new = uuid.uuid4().hex[:8]
    atomic_write(file, lambda handle: handle.write(new.encode()))
    return new
