"""A copy of everything that a training step changes, by which the step can be undone."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer

from facet.callbacks.averaging import WarmAveraging


class Undoing:
    """A copy of weights, buffers, optimizers' states and averages, taken before a step.

    It doubles the memory of all these.
    """

    def __init__(self) -> None:
        self.optimizers: list[Optimizer] = []
        self.known: list[set[Any]] = []  # parameters of which each optimizer has a state
        self.tensors: list[Tensor] = []
        self.kept: list[Tensor] = []

    @torch.no_grad()
    def take(self, trainer: Trainer, module: LightningModule) -> None:
        """Copy everything that a step may change.

        Args:
            trainer: of the run, with its optimizers and callbacks.
            module: with the weights, and buffers such as batch norms' statistics and a memory of codes.
        """
        self.optimizers = list(trainer.optimizers)
        self.known = [set(optimizer.state) for optimizer in self.optimizers]
        states = [value for one in self.optimizers for state in one.state.values() for value in state.values()]
        callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
        averages = [average for one in callbacks if isinstance(one, WarmAveraging) for average in one.average.values()]
        values = [*module.parameters(), *module.buffers(), *states, *averages]
        self.tensors = [value.detach() for value in values if isinstance(value, Tensor)]
        if [_form(tensor) for tensor in self.tensors] == [_form(tensor) for tensor in self.kept]:
            torch._foreach_copy_(self.kept, self.tensors)
        else:  # in a new stage, or after the first step, which made the optimizers' states
            self.kept = [tensor.clone() for tensor in self.tensors]

    @torch.no_grad()
    def undo_unless(self, fine: Tensor, known: bool = False) -> None:
        """Restore the copy, unless the step was fine.

        Args:
            fine: whether the step was fine; boolean, on the training's device.
            known: whether ``fine`` can be read without waiting for the device.
        """
        fresh = any(len(one.state) > len(before) for one, before in zip(self.optimizers, self.known, strict=True))
        if known or fresh:  # new states of optimizers must be deleted, which the device can't do
            if bool(fine):
                return
            for optimizer, before in zip(self.optimizers, self.known, strict=True):
                for parameter in set(optimizer.state) - before:
                    del optimizer.state[parameter]
        for tensor, kept in zip(self.tensors, self.kept, strict=True):
            tensor.copy_(torch.where(fine, tensor, kept))


def _form(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.shape, tensor.dtype, tensor.device
