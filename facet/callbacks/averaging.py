"""Averaged weights, useful from the first step on."""

from __future__ import annotations

import torch
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor


class WarmAveraging(WeightAveraging):
    """An exponential moving average of the weights whose horizon grows with the run: min(decay, (1+t)/(10+t)).

    With a constant decay, as Lightning's own callback has it, a short run's average still remembers the random
    initialisation. Validation, checkpoints' ``state_dict`` and the trained model all use the average.

    Args:
        decay: the final decay per step, below 1.

    Raises:
        ValueError: a decay outside [0, 1).
    """

    def __init__(self, decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"callbacks.averaging.decay={decay} must be at least 0 and below 1")
        super().__init__(multi_avg_fn=self._average, use_buffers=True)
        self.decay = decay

    @torch.no_grad()
    def _average(self, averages: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        steps = self._latest_update_step  # counted on the host; ``count`` lies on the device
        decay = min(self.decay, (1 + steps) / (10 + steps))
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, current, 1 - decay)
        else:
            for average, value in zip(averages, current, strict=True):
                average.copy_(value)
