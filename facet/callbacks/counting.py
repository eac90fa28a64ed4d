"""Counts a run's images, and keeps logged values to their own step."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class OwnStep(Callback):
    """Logs each value only in its own step.

    Lightning would log a value again in every later step of the epoch, e.g. a penalty that is computed every few
    steps, or the losses of a finished stage. A run that is resumed in between would have other curves.
    """

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        trainer.fit_loop.epoch_loop._results.reset()


class Counter(Callback):
    """Counts the training images of a run over all processes; the count continues when the run is resumed.

    Attributes:
        images: number of images so far; an image counts once in every epoch.
    """

    def __init__(self) -> None:
        self.images = 0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.images += len(batch["image"]) * trainer.world_size  # processes have equal shares

    def state_dict(self) -> dict[str, Any]:
        return {"images": self.images}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.images = state_dict["images"]
