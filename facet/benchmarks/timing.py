"""Times of steps: ways that take turns, each after a warm-up, on any device."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

WARM_UP = 1.0  # seconds
SHORTEST = 0.05  # seconds of a sample: what a look at the clock costs, and a GPU's waiting for it, is nothing to it
Name = TypeVar("Name")


class Stopwatch:
    """Milliseconds of a step, each sample a mean over as many batches as last ``SHORTEST``.

    Args:
        samples: how many are wanted.
        period: batches after which what a step does comes again; every sample is of whole periods.

    Attributes:
        found: the samples so far.
    """

    def __init__(self, samples: int, period: int = 1) -> None:
        self.samples, self.period = samples, period
        self.found: list[float] = []
        self.batches, self.each = 0, 0  # since the last look, and from one to the next; 0 while it warms up
        self.at, self.steps = 0.0, 0  # of the last look

    def tick(self, steps: int) -> bool:
        """A batch has ended, and so many steps were taken in all; whether that is enough. The first begins it."""
        if not self.at:
            self.look(steps)
            return False
        self.batches += 1
        if not self.each:
            passed = time.perf_counter() - self.at
            if passed >= WARM_UP and self.batches >= self.period:
                periods = math.ceil(SHORTEST * self.batches / passed / self.period)
                self.each = max(1, periods) * self.period
                self.look(steps)
        elif self.batches == self.each:
            before, done = self.at, self.steps
            self.look(steps)
            self.found.append(1000 * (self.at - before) / (steps - done))
        return len(self.found) == self.samples

    def look(self, steps: int) -> None:
        """At the clock."""
        wait()
        self.at, self.steps, self.batches = time.perf_counter(), steps, 0


def of_a_loop(step: Callable[[], object], samples: int) -> list[float]:
    """Milliseconds of a step of a bare loop."""
    watch, steps = Stopwatch(samples), 0
    while not watch.tick(steps):
        step()
        steps += 1
    return watch.found


def in_turn(ways: Mapping[Name, Callable[[], float]], rounds: int) -> dict[Name, list[float]]:
    """Every way's figures over the rounds, taking turns: a machine's slow minute then meets all of them."""
    found: dict[Name, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(way())
    return found


def wait() -> None:
    """Until a GPU, where there is one, has done what it was given."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
