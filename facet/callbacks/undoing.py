"""What a training step changes, as it was before: so that a step can be undone."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer

from facet.callbacks.averaging import WarmAveraging


class Undoing:
    """A copy of weights, buffers, optimizers' states and averages, taken before a step.

    It costs a second set of all these, and the time to copy them.
    """

    def __init__(self) -> None:
        self.optimizers: list[Optimizer] = []
        self.known: list[set[Any]] = []  # of which parameters each has a state
        self.tensors: list[Tensor] = []
        self.kept: list[Tensor] = []

    @torch.no_grad()
    def take(self, trainer: Trainer, module: LightningModule) -> None:
        """Copy all that a step may change.

        Args:
            trainer: of the run, with its optimizers and callbacks.
            module: with the weights, and buffers such as batch norms' statistics and a memory of codes.
        """
        self.optimizers = list(trainer.optimizers)
        self.known = [set(optimizer.state) for optimizer in self.optimizers]
        states = [value for one in self.optimizers for state in one.state.values() for value in state.values()]
        callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
        averages = [
            average for each in callbacks if isinstance(each, WarmAveraging) for average in each.average.values()
        ]
        held = [*module.parameters(), *module.buffers(), *states, *averages]
        self.tensors = [each.detach() for each in held if isinstance(each, Tensor)]
        if [_form(each) for each in self.tensors] == [_form(each) for each in self.kept]:
            torch._foreach_copy_(self.kept, self.tensors)
        else:  # another stage, or the first step's states
            self.kept = [each.clone() for each in self.tensors]

    @torch.no_grad()
    def undo_unless(self, fine: Tensor, told: bool = False) -> None:
        """Take everything back to how it was, unless the step was fine.

        Args:
            fine: whether it was, a bool where the training is, which isn't waited for.
            told: whether it is known without waiting.
        """
        fresh = any(len(one.state) > len(known) for one, known in zip(self.optimizers, self.known, strict=True))
        if told or fresh:  # an optimizer's first step makes its state, which can't be unmade without being told
            if bool(fine):
                return
            for optimizer, known in zip(self.optimizers, self.known, strict=True):
                for parameter in set(optimizer.state) - known:
                    del optimizer.state[parameter]
        for now, before in zip(self.tensors, self.kept, strict=True):
            now.copy_(torch.where(fine, now, before))


def _form(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.shape, tensor.dtype, tensor.device
