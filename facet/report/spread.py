"""A measure over the seeds of a row."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from facet.measures.registry import Measure, Number


@dataclass(frozen=True)
class Spread:
    """A measure over the seeds of a row; false where no seed has it.

    Attributes:
        measure: which.
        values: one per evaluated seed that has it.
        low, high: the lowest and the highest end of the seeds' 95% intervals; None for quantities without one.
        n: what the seeds' values rest on, one number per seed.
        of: whose value it is, where it is one of several.
    """

    measure: Measure
    values: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    n: tuple[int, ...] = ()
    of: str = ""

    @classmethod
    def over(cls, measure: Measure, numbers: Sequence[Number]) -> Spread:
        """Of several seeds' numbers."""
        lows = [each.low for each in numbers if each.low is not None]
        highs = [each.high for each in numbers if each.high is not None]
        return cls(
            measure,
            tuple(each.value for each in numbers),
            min(lows, default=None),
            max(highs, default=None),
            tuple(each.n for each in numbers if each.n is not None),
            " or ".join(dict.fromkeys(each.of for each in numbers if each.of)),
        )

    def __bool__(self) -> bool:
        return bool(self.values)

    def __str__(self) -> str:
        """As a text has it: ``92.1% (90.5–93.4%)``."""
        from facet.report.cells import cell

        return str(cell(self))

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return statistics.fmean(self.values)

    @property
    def sd(self) -> float | None:
        """The sample standard deviation over the seeds, None for one seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None
