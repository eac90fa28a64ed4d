"""How measures over seeds compare, with one another and with bounds: by their intervals, never by single values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from facet.measures.registry import HIGH
from facet.rows import Row, Spread

SAME = 0.10
"""Two errors are about the same where they differ by less than this share."""
UNEVEN = 0.2
"""An attribute is far from even where fewer than this share of the test images have it, or lack it."""


def within(spread: Spread, low: float, high: float) -> bool | None:
    """Whether the whole interval lies in [low, high]: None where it lies partly in and partly out."""
    if spread.low is None or spread.high is None:
        return None
    if low <= spread.low and spread.high <= high:
        return True
    return False if spread.high < low or spread.low > high else None


def high(row: Row) -> bool | None:
    """Whether both edit rates are high with their whole intervals: None where that is open."""
    answers = [within(row.spread(name), HIGH, 1.0) for name in ("edit_off", "edit_on")]
    if False in answers:
        return False
    return None if None in answers else True


def below(one: Spread, other: Spread) -> bool:
    """Whether one interval ends below the beginning of the other."""
    return one.high is not None and other.low is not None and one.high < other.low


def same(one: Spread, other: Spread) -> bool:
    """Whether two errors are about the same."""
    return abs(one.mean / other.mean - 1) <= SAME


class Difference(NamedTuple):
    """new - old with a 95% interval."""

    change: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{_points(self.change)} points ({_points(self.low)} to {_points(self.high)})"


def difference(new: Spread, old: Spread) -> Difference:
    """new - old with Newcombe's interval (1998, method 10), from the two rates' own.

    Both rates are of the same faces, as a rule; taking them for independent widens the interval.
    """
    change = new.mean - old.mean
    if new.low is None or new.high is None or old.low is None or old.high is None:
        return Difference(change, -1.0, 1.0)
    down = change - math.hypot(new.mean - new.low, old.high - old.mean)
    up = change + math.hypot(new.high - new.mean, old.mean - old.low)
    return Difference(change, down, up)


def mean_over(row: Row, measure: str, attributes: Sequence[str]) -> float:
    """The mean of a measure over attributes that the row has it of."""
    return fmean(spread.mean for name in attributes if (spread := row.spread(measure, name)))


def last_confusion(row: Row) -> float | None:
    """The least that A's loss ended at, over the seeds, as a share of H(y)."""
    curves = [result.metrics().get("val/auxiliary_confusion") for result in row.evaluated]
    ends = [curve[-1][1] for curve in curves if curve]
    return min(ends) if ends else None


def counts_over_stages(rows: Sequence[Row], measure: str) -> str:
    """The least and the largest n of a measure over all stages of all rows: ``7,967 to 8,978``."""
    found = [n for row in rows for stage in range(row.stages) for n in row.at(stage).spread(measure).n]
    return f"{min(found):,} to {max(found):,}" if found else "unknown numbers of"


def uneven(rows: Sequence[Row]) -> bool:
    """Whether the attribute of a row is far from even in what the row was tested on."""
    edited = [[sum(row.spread(name).n) for name in ("on_from_on", "on_from_off")] for row in rows]
    return any(min(counts) < UNEVEN * sum(counts) for counts in edited)


COMPARISONS = (below, counts_over_stages, difference, high, last_confusion, mean_over, same, uneven, within)
"""What the texts of pages may call."""


def _points(value: float) -> str:
    """A difference in percentage points, with its sign: ``+0.7``, ``−0.7``."""
    return f"{100 * value:+.1f}".replace("-", "−")
