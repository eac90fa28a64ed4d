"""Says at the end of a training which of its losses fell."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from facet.commands import say

PREFIX = "train/"


class Fallen(Callback):
    """Compares each loss's mean over the first epoch in which it is logged with that over the last.

    The line at the end names all of them. A model that learns brings its reconstruction error or its classification
    error down. A KL divergence, and losses of networks that play against each other, may rise.
    """

    def __init__(self) -> None:
        self.now: dict[str, list[Tensor]] = {}
        self.first: dict[str, Tensor] = {}
        self.last: dict[str, Tensor] = {}

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        for name, value in trainer.callback_metrics.items():
            if name.startswith(PREFIX) and name != "train/skipped":
                self.now.setdefault(name.removeprefix(PREFIX), []).append(value.detach().float().clone())

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        means = {name: torch.stack(values).mean() for name, values in self.now.items()}
        self.first, self.last, self.now = {**means, **self.first}, {**self.last, **means}, {}

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.is_global_zero:
            say(self.told(), "green" if self.fell() else "yellow")

    def fell(self) -> list[str]:
        """The losses that fell, in the order in which they were logged first."""
        return [name for name, value in self.first.items() if self.last[name] < value]

    def told(self) -> str:
        """The line."""
        fell = self.fell()
        rest = [name for name in self.first if name not in fell]
        parts = [f"{len(fell)} of {len(self.first)} losses fell"]
        parts += [f"fell: {self._listed(fell)}"] if fell else []
        parts += [f"did not: {self._listed(rest)}"] if rest else []
        return "; ".join(parts)

    def _listed(self, names: list[str]) -> str:
        return ", ".join(f"{name} {self.first[name]:.3g} → {self.last[name]:.3g}" for name in names)
