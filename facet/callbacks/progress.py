"""Reports a run's progress to the command that runs several and shows them together."""

from __future__ import annotations

import time
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from facet.workers import note

EVERY = 1.0  # seconds between two reports


class ProgressNote(Callback):
    """Reports every second the current epoch and the share of the run's batches that is done."""

    def __init__(self) -> None:
        self.noted = 0.0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if not trainer.is_global_zero or time.monotonic() - self.noted < EVERY:
            return
        self.noted = time.monotonic()
        in_epoch, epochs = int(trainer.num_training_batches), trainer.max_epochs or -1
        ends = [end for end in (epochs * in_epoch, trainer.max_steps) if end > 0]  # at least one is set
        done = (trainer.current_epoch * in_epoch + batch_idx + 1) / min(ends)
        note(f"epoch {trainer.current_epoch + 1}" + (f" of {epochs}" if epochs > 0 else ""), min(1.0, done))
