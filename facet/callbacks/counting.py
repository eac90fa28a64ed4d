"""What a run has seen."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


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
