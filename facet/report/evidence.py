"""How numbers bear on a claim: intervals against bounds, and the wording of rows that can't be used.

``FUNCTIONS`` are what the claims of a page's file may call (``facet/report/sections/claims.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from facet.measures.registry import HIGH
from facet.report.cells import cell, decimal, signed
from facet.rows import INTERPRETABLE, Row, Spread, shared

JUDGE = 0.95
"""The judge's accuracy on real images below which its readings of edits can't be relied on."""
SAME = 0.10
"""Two errors are about the same where they differ by less than this share."""
UNDERTRAINED = (
    f"Below {INTERPRETABLE:.0%} for either label edits can't be interpreted yet: an undertrained decoder that draws no "
    "mouth also gives a sum of about 100%."
)


def within(spread: Spread, low: float, high: float) -> bool | None:
    """Whether the whole interval lies in [low, high]: None where it lies partly in and partly out."""
    if spread.low is None or spread.high is None:
        return None
    if low <= spread.low and spread.high <= high:
        return True
    return False if spread.high < low or spread.low > high else None


def all_of(*answers: bool | None) -> bool | None:
    """``and`` for yes, no and undecided."""
    if False in answers:
        return False
    return None if None in answers else True


def high(row: Row) -> bool | None:
    """Whether both edit rates are high with their whole intervals."""
    return all_of(*(within(row.spread(name), HIGH, 1.0) for name in ("edit_off", "edit_on")))


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
        return f"{signed(self.change)} points ({signed(self.low)} to {signed(self.high)})"


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


def edits(row: Row) -> str:
    """Both edit rates with intervals, the absent side first."""
    absent, present = cell(row.spread("edit_off")), cell(row.spread("edit_on"))
    attribute = row.attribute
    return f"{absent} of the edits to Not-{attribute} and {present} of those to {attribute} succeed"


def total(row: Row) -> str:
    """The sum of the edit rates; seed by seed where there are several."""
    spread = row.spread("edit_sum")
    if len(spread.values) < 2:
        return str(cell(spread))
    return f"{cell(spread)}; by seed {', '.join(f'{100 * value:.1f}%' for value in spread.values)}"


def bits(spread: Spread) -> str:
    """``0.08 bit``, and the range of the seeds where there are several."""
    if len(spread.values) == 1:
        return f"{spread.mean:.2f} bit"
    return f"{spread.mean:.2f} bit ({min(spread.values):.2f} to {max(spread.values):.2f} over the seeds)"


def ratio(one: Spread, other: Spread) -> str:
    """Two errors and their ratio."""
    return f"{decimal(one.mean)} and {decimal(other.mean)}, a ratio of {one.mean / other.mean:.2f}"


def mean_over(row: Row, measure: str, attributes: Sequence[str]) -> float:
    """The mean of a measure over attributes that the row has it of."""
    return fmean(spread.mean for name in attributes if (spread := row.spread(measure, name)))


def last_confusion(row: Row) -> float | None:
    """The least that A's loss ended at, over the seeds, as a share of H(y)."""
    curves = [result.metrics().get("val/auxiliary_confusion") for result in row.evaluated]
    ends = [curve[-1][1] for curve in curves if curve]
    return min(ends) if ends else None


def one_seed(rows: Sequence[Row]) -> str:
    """A caution where a row has a single seed."""
    counts = [len(row.evaluated) for row in rows if row.evaluated]
    if not counts or min(counts) > 1:
        return ""
    start = "Some rows have one seed only" if max(counts) > 1 else "Each row is one training run"
    return f"{start}: the intervals cover the choice of test faces, not the luck of training."


def counts_over_stages(rows: Sequence[Row], measure: str) -> str:
    """The least and the largest n of a measure over all stages of all rows: ``7,967 to 8,978``."""
    found = [n for row in rows for stage in range(row.stages) for n in row.at(stage).spread(measure).n]
    return f"{min(found):,} to {max(found):,}" if found else "unknown numbers of"


# What keeps rows from being used


def short(row: Row) -> str:
    """A row's title without its end in parentheses, in quotation marks."""
    return f"“{row.title.removesuffix(' (ours)')}”"


def weak_judge(rows: Sequence[Row]) -> str:
    """A judge that errs too often for its readings to count, or nothing."""
    found = [result.value("judge_accuracy") for row in rows for result in row.evaluated]
    accuracies = [value for value in found if value is not None]
    if not accuracies or min(accuracies) >= JUDGE:
        return ""
    return f"The judge is right on only {100 * min(accuracies):.1f}% of real test images, too few to be relied on. "


def unusable(rows: Sequence[Row]) -> str:
    """Why rows have no numbers, or nothing."""
    return " ".join(f"{short(row)} has no numbers ({row.reason})." for row in rows if not row.evaluated)


def uninterpretable(rows: Sequence[Row]) -> str:
    """Why rows' edits can't be interpreted yet, or nothing."""
    said = [_why(row) for row in rows if row.diverged or row.undertrained]
    if any(row.undertrained and not row.diverged for row in rows):
        said.append(UNDERTRAINED)
    return weak_judge(rows) + " ".join(said)


def _why(row: Row) -> str:
    if row.diverged:
        seeds = ", ".join(str(result.seed) for result in row.diverged)
        return f"The training of {short(row)} diverged (seed {seeds}): its images are not numbers."
    on, off = (cell(row.spread(f"reconstruction_{side}")).value for side in ("on", "off"))
    seeds = ", ".join(str(result.seed) for result in row.undertrained)
    which = f", too few in seed {seeds}" if len(row.evaluated) > 1 else ""
    kept = f"{on} (present) and {off} (absent) of cases{which}"
    return f"The unedited reconstructions of {short(row)} keep the label in {kept}."


_CALLED = (within, all_of, high, below, same, difference, edits, total, bits, ratio, last_confusion, shared, mean_over)
_SAID = (one_seed, weak_judge, counts_over_stages)
FUNCTIONS: Mapping[str, Callable[..., Any]] = {each.__name__: each for each in (*_CALLED, *_SAID)}
