"""Makes every process validate the model that is saved."""

from __future__ import annotations

import torch
from pytorch_lightning import Callback, LightningModule, Trainer


class AsSaved(Callback):
    """Copies the first process's buffers to all processes before a validation.

    Batch norms keep running statistics of the batches of their own process, and checkpoints hold those of the first.
    Parameters are equal in all processes. Averaged weights are in place of the weights by then.
    """

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.world_size > 1:
            for buffer in pl_module.buffers():
                torch.distributed.broadcast(buffer, 0)
