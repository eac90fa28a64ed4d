"""Averaged weights that are useful from the first step."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn


class WarmAveraging(Callback):
    """An exponential moving average of the weights with decay min(decay, (1+t)/(10+t)) after t batches.

    So the horizon grows with the run; with a constant decay, the average of a short run would still contain the random
    initialisation. t counts training batches, not steps, so that the horizon is the same for all methods. Batch-norm
    statistics are averaged with the weights. Validation, the ``state_dict`` of checkpoints and the trained model use
    the average. At the end of a stage of a growing model, the average replaces the weights, and the next stage begins
    a new average.

    Args:
        decay: the final decay per batch, below 1.

    Raises:
        ValueError: the decay is outside [0, 1).
    """

    def __init__(self, decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"callbacks.averaging.decay={decay} must be at least 0 and below 1")
        self.decay = decay
        self.average: dict[str, Tensor] = {}  # by the names in the module's state_dict
        self.batches = 0  # in the average
        self.step = 0  # the Trainer's global_step, which counts batches, at the last update

    # ------------------------------------------------------------------ the average

    def begin(self, module: nn.Module) -> None:
        """Begin an average with the current weights."""
        self.average = {name: value.detach().clone() for name, value in _tensors(module).items()}

    @torch.no_grad()
    def move(self, module: nn.Module, batches: int = 1) -> None:
        """Update the average with the weights after so many batches."""
        keep = 1.0
        for t in range(self.batches, self.batches + batches):
            keep *= min(self.decay, (1 + t) / (10 + t))
        self.batches += batches
        pairs = [(self.average[name], value.detach()) for name, value in _tensors(module).items()]
        averages, current = zip(*(pair for pair in pairs if pair[0].is_floating_point()), strict=True)
        torch._foreach_lerp_(averages, current, 1 - keep)
        for average, value in pairs:
            if not average.is_floating_point():
                average.copy_(value)

    @torch.no_grad()
    def swap(self, module: nn.Module) -> None:
        """Exchange the weights and the average."""
        for name, value in _tensors(module).items():
            weights = value.detach().clone()
            value.copy_(self.average[name])
            self.average[name].copy_(weights)

    @torch.no_grad()
    def settle(self, module: nn.Module) -> None:
        """Replace the weights by the average."""
        for name, value in _tensors(module).items():
            value.copy_(self.average[name])

    # ------------------------------------------------------------------ when

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self.average:
            self.begin(pl_module)
        tensors = _tensors(pl_module)  # a resumed run loads the average before the module is moved to its device
        self.average = {name: value.to(tensors[name].device) for name, value in self.average.items()}

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any, **kwargs: Any) -> None:
        self.move(pl_module, trainer.global_step - self.step)
        self.step = trainer.global_step

    def on_stage_end(self, pl_module: LightningModule) -> None:
        """Called at the end of a stage of a growing model (:class:`jacsup.growth.ProgressiveGrowth`)."""
        self.settle(pl_module)

    def on_stage_start(self, pl_module: LightningModule) -> None:
        """Called at the start of the next stage, whose weights are new."""
        self.begin(pl_module)
        self.batches = 0

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.average:
            self.swap(pl_module)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.average:
            self.swap(pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.settle(pl_module)

    # ------------------------------------------------------------------ checkpoints

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        checkpoint["current_model_state"] = checkpoint["state_dict"]
        checkpoint["state_dict"] = {**checkpoint["state_dict"], **self.average}

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        self.begin(pl_module)  # the module has already loaded the average
        pl_module.load_state_dict(checkpoint["current_model_state"])

    def state_dict(self) -> dict[str, Any]:
        return {"batches": self.batches, "step": self.step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.batches, self.step = state_dict["batches"], state_dict["step"]


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """The parameters and buffers that a checkpoint holds, not copied."""
    state = module.state_dict(keep_vars=True)
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}
