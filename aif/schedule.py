"""Learning rates and the adversary's weight over a run; both are constant unless a preset changes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


class Schedule:
    """A factor for learning rates as a function of the run's progress in [0, 1].

    The paper keeps them constant; the preset ``embedded`` does not.

    Args:
        warmup: share of the run over which learning rates rise linearly from 0.
        decay: share of the run, at its end, over which learning rates fall to 0 along half a cosine.

    Raises:
        ValueError: a share outside [0, 1], or warm-up and decay that overlap.
    """

    def __init__(self, warmup: float = 0.0, decay: float = 0.0) -> None:
        _shares(warmup=warmup, decay=decay)
        if warmup + decay > 1:
            raise ValueError(f"schedule.warmup={warmup} and schedule.decay={decay} overlap: their sum may be 1 at most")
        self.warmup, self.decay = warmup, decay

    def learning_rate(self, progress: float) -> float:
        """Factor of every learning rate."""
        if progress < self.warmup:
            return progress / self.warmup
        if progress > 1 - self.decay:
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - 1 + self.decay) / self.decay)))
        return 1.0

    def apply(self, progress: float, optimizers: Sequence[Any]) -> None:
        """Set the optimisers' learning rates."""
        factor = self.learning_rate(progress)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor


class AdversarialSchedule(Schedule):
    """A schedule with a factor for the adversary's weight in the encoder's loss: γ of AIF, λ_E of Fader Networks.

    Args:
        warmup: share of the run over which learning rates rise linearly from 0.
        decay: share of the run, at its end, over which learning rates fall to 0 along half a cosine.
        adversary_warmup: share of the run over which the adversary's weight rises linearly from 0.

    Raises:
        ValueError: as above.
    """

    def __init__(self, warmup: float = 0.0, decay: float = 0.0, adversary_warmup: float = 0.0) -> None:
        super().__init__(warmup, decay)
        _shares(adversary_warmup=adversary_warmup)
        self.adversary_warmup = adversary_warmup

    def adversary(self, progress: float) -> float:
        """Factor of γ, or of λ_E."""
        return min(1.0, progress / self.adversary_warmup) if self.adversary_warmup else 1.0


def _shares(**settings: float) -> None:
    for name, share in settings.items():
        if not 0 <= share <= 1:
            raise ValueError(f"schedule.{name}={share} is a share of the run: choose from 0 to 1")
