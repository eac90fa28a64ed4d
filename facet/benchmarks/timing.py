"""Times of steps on any device, after a warm-up; alternatives are timed in turn."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

WARM_UP = 1.0  # seconds
SHORTEST = 0.05  # seconds of a sample, long against reading the clock and synchronising a GPU
Name = TypeVar("Name")


class Stopwatch:
    """Samples the milliseconds of a step; each sample is a mean over the batches of at least ``SHORTEST`` seconds.

    Args:
        samples: number of samples.
        period: batches after which the work of steps repeats; every sample covers whole periods.

    Attributes:
        found: the samples so far.
    """

    def __init__(self, samples: int, period: int = 1) -> None:
        self.samples, self.period = samples, period
        self.found: list[float] = []
        self.batches, self.each = 0, 0  # batches since the last reading, and per sample (0 during the warm-up)
        self.at, self.steps = 0.0, 0  # time and steps at the last reading of the clock

    def tick(self, steps: int) -> bool:
        """Call after every batch, with the number of steps so far; the first call starts the clock.

        Returns:
            Whether there are enough samples.
        """
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
        """Read the clock."""
        wait()
        self.at, self.steps, self.batches = time.perf_counter(), steps, 0


def of_a_loop(step: Callable[[], object], samples: int) -> list[float]:
    """Samples of a step's milliseconds in a bare loop."""
    watch, steps = Stopwatch(samples), 0
    while not watch.tick(steps):
        step()
        steps += 1
    return watch.found


def in_turn(ways: Mapping[Name, Callable[[], float]], rounds: int) -> dict[Name, list[float]]:
    """The results of every alternative over the rounds. They take turns, so that a slow minute affects all of them."""
    results: dict[Name, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            results[name].append(way())
    return results


def wait() -> None:
    """Synchronise the GPU, if there is one."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
