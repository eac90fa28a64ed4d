"""Of several processes, each validates the model that is saved."""

from __future__ import annotations

import torch
from pytorch_lightning import Callback, LightningModule, Trainer


class AsSaved(Callback):
    """Gives every process the first one's buffers before a validation: batch norms count in each what it has seen.

    The parameters are equal, and checkpoints hold the first one's state. Where weights are averaged it is the average
    that is in their place then.
    """

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.world_size > 1:
            for buffer in pl_module.buffers():
                torch.distributed.broadcast(buffer, 0)
