"""Debug runs (``facet-train debug=…``): short, and never taken for real ones.

``conf/debug`` says how short. What no file can say of every method and data set is settled here. Debug runs are in
``runs/debug``, where neither pages nor lists of runs look.
"""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from facet.errors import UserError
from facet.records import read_config

FOLDER = "debug"
"""The directory of debug runs, in the directory of all runs."""
BATCHES, IMAGES = 20, 250  # of data that are drawn: batches of the train split, images of the others


def settle(config: DictConfig) -> None:
    """Settle, in place, what follows from ``debug``: no W&B, a new start each time, short stages, few drawn images.

    Args:
        config: as composed from ``conf/train.yaml``. It is unchanged if it is of no debug run.

    Raises:
        UserError: a debug run in a directory of its own choice, which may be a real run's.
    """
    if config.get("debug") is None:
        return
    if config.run_dir is not None:
        raise UserError(f"debug={config.debug}: debug runs are in {Path(config.runs) / FOLDER}: leave run_dir= out")
    config.force = True
    config.logger.mode = "disabled"
    if growth := config.callbacks.get("growth"):
        growth.epochs, config.trainer.max_epochs = config.trainer.max_epochs, -1
    config.data.pop("images_per_epoch", None)
    if "train_size" in config.data:  # drawing all of them takes a minute
        config.data.train_size = min(config.data.train_size, BATCHES * config.data.batch_size)
        for name in ("val_size", "test_size"):
            config.data[name] = min(config.data[name], IMAGES)


def of(run: Path) -> str | None:
    """The kind of a debug run, such as ``limit``; None of a real run, or of no run."""
    try:
        kind = read_config(run / "config.yaml").get("debug")
    except UserError:
        return None
    return None if kind is None else str(kind)
