"""One row of ``facet-bench steps``: the measurements of a method at one size, and the numbers derived from them."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from facet.benchmarks import floor, timing
from facet.benchmarks.methods import METHODS
from facet.benchmarks.peak import with_peak
from facet.benchmarks.training import Training


class Times:
    """The measurements of one implementation of a step, over all rounds.

    Attributes:
        milliseconds: of a step, all samples.
        memory: peak memory of each round in bytes; empty if the system does not report it.
        flops: operations of a step.
    """

    def __init__(self) -> None:
        self.milliseconds: list[float] = []
        self.memory: list[int] = []
        self.flops = 0.0

    def add(self, milliseconds: list[float], memory: int | None) -> None:
        """Add a round's measurements."""
        self.milliseconds += milliseconds
        self.memory += [] if memory is None else [memory]

    @property
    def median(self) -> float:
        """Median milliseconds of a step."""
        return statistics.median(self.milliseconds)

    def found(self) -> dict[str, Any]:
        """The measurements, as values that JSON can hold."""
        return {
            "median_ms": self.median,
            "least_ms": min(self.milliseconds),
            "most_ms": max(self.milliseconds),
            "samples_ms": self.milliseconds,
            "memory_bytes": statistics.median(self.memory) if self.memory else None,
            "flops": self.flops,
        }


class Row:
    """A method's step at one size.

    Args:
        name: of the method.
        settings: of its training.
        directory: for the files of a run.

    Raises:
        UserError: a constructor refuses a setting.
    """

    def __init__(self, name: str, settings: DictConfig, directory: Path) -> None:
        self.name, self.settings, self.method = name, settings, METHODS[name]
        self.training = Training(settings, self.method.stage, directory)
        self.ours, self.authors, self.rates = Times(), Times(), list[float]()

    @property
    def label(self) -> str:
        """Text of the progress bar."""
        data = self.training.data
        return f"{self.name}, {data.resolution}×{data.resolution}, batch {data.batch_size}"

    def measure(self, samples: int) -> None:
        """Take the measurements of a round."""
        training, device = self.training, self.training.device
        if not self.ours.flops:
            self.ours.flops = training.flops()
        self.rates.append(floor.product_rate(device, str(self.settings.trainer.precision)))
        self.ours.add(*with_peak(lambda: training.milliseconds(samples), device))
        if self.method.authors is not None:
            self.authors.add(*with_peak(lambda: self._authors(samples), device))

    def _authors(self, samples: int) -> list[float]:
        assert self.method.authors is not None
        step = self.method.authors(self.settings, *self.training.batch())
        if not self.authors.flops:
            self.authors.flops = floor.flops_of(step)
        return timing.of_a_loop(step, samples)

    def found(self) -> dict[str, Any]:
        """The measurements and the numbers derived from them, as values that JSON can hold."""
        ours, authors, rate = self.ours, self.authors, statistics.median(self.rates)
        data, settings = self.training.data, self.settings
        return {
            "method": self.name,
            "said": self.method.overrides,
            "resolution": data.resolution,
            "batch_size": data.batch_size,
            "precision": str(settings.trainer.precision),
            "device": self.training.device.type,
            "ours": ours.found(),
            "authors": authors.found() if authors.milliseconds else None,
            "times_as_fast": authors.median / ours.median if authors.milliseconds else None,
            "product_flops_per_second": rate,
            "floor_ms": floor.milliseconds(ours.flops, rate),
            "share_of_floor": floor.milliseconds(ours.flops, rate) / ours.median,
            "images_per_second": 1000 * data.batch_size / ours.median,
        }
