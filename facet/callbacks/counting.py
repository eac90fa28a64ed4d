"""What a run has seen, and what of it is logged."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class OwnStep(Callback):
    """What is logged of a step is of that step.

    Lightning logs a value again in every step after the one that it is of, until the epoch ends: a penalty that is
    taken every few steps, the losses of a stage that is over. A run resumed in between would have other curves.
    """

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        trainer.fit_loop.epoch_loop._results.reset()


class Counter(Callback):
    """Counts training images, over all processes, from a run's first batch to its last, however often it is resumed.

    Attributes:
        images: seen so far; one that is seen in every epoch counts every time.
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
