"""How numbers bear on a claim: intervals against bounds, and the wording of rows that can't be used."""

from __future__ import annotations

import math
from collections.abc import Sequence

from facet.report.results import INTERPRETABLE, Row, Spread
from facet.report.tables import decimal, rate_cell, sums

JUDGE = 0.95
"""The judge's accuracy on real images below which its readings of edits can't be relied on."""
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


def below(one: Spread, other: Spread) -> bool:
    """Whether one interval ends below the beginning of the other."""
    return one.high is not None and other.low is not None and one.high < other.low


def difference(new: Spread, old: Spread) -> tuple[float, float, float]:
    """new - old with a 95% interval: Newcombe's (1998, method 10), from the two rates' own intervals.

    Both rates are of the same faces, as a rule; taking them for independent widens the interval.
    """
    change = new.mean - old.mean
    if new.low is None or new.high is None or old.low is None or old.high is None:
        return change, -1.0, 1.0
    low = change - math.hypot(new.mean - new.low, old.high - old.mean)
    high = change + math.hypot(new.high - new.mean, old.mean - old.low)
    return change, low, high


def short(row: Row) -> str:
    """A row's title without its end in parentheses, in quotation marks."""
    return f"“{row.title.removesuffix(' (ours)')}”"


def weak_judge(*rows: Row) -> str:
    """A judge that errs too often for its readings to count, or nothing."""
    accuracies = [
        value for row in rows for result in row.evaluated if (value := result.value("judge_accuracy")) is not None
    ]
    if not accuracies or min(accuracies) >= JUDGE:
        return ""
    return f"The judge is right on only {100 * min(accuracies):.1f}% of real test images, too few to be relied on. "


def unusable(*rows: Row) -> str:
    """Why rows have no numbers, or nothing."""
    return " ".join(f"{short(row)} has no numbers ({row.reason})." for row in rows if not row.evaluated)


def uninterpretable(*rows: Row) -> str:
    """Why rows' edits can't be interpreted yet, or nothing."""
    said = []
    for row in rows:
        if row.diverged:
            seeds_of = ", ".join(str(result.seed) for result in row.diverged)
            said.append(f"The training of {short(row)} diverged (seed {seeds_of}): its images are not numbers.")
        elif row.undertrained:
            on, off = rate_cell(row.spread("reconstruction_on")), rate_cell(row.spread("reconstruction_off"))
            many = len(row.evaluated) > 1
            which = f", too few in seed {', '.join(str(result.seed) for result in row.undertrained)}" if many else ""
            said.append(
                f"The unedited reconstructions of {short(row)} keep the label in {on.value} (present) and {off.value} "
                f"(absent) of cases{which}."
            )
    if any(row.undertrained and not row.diverged for row in rows):
        said.append(UNDERTRAINED)
    return weak_judge(*rows) + " ".join(said)


def edits(row: Row) -> str:
    """Both edit rates with intervals, the absent side first, as in the paper's table."""
    off, on = rate_cell(row.spread("edit_off")), rate_cell(row.spread("edit_on"))
    attribute = next(result.attribute for result in row.evaluated)
    absent, present = (f"{cell.value} ({cell.interval})" for cell in (off, on))
    return f"{absent} of the edits to Not-{attribute} and {present} of those to {attribute} succeed"


def total(row: Row) -> str:
    """The sum of the edit rates; seed by seed where there are several."""
    spread = sums(row)
    if spread is None:
        return "unknown"
    text = f"{rate_cell(spread).value} ({rate_cell(spread).interval})"
    each = ", ".join(f"{100 * value:.1f}%" for value in spread.values)
    return text if len(spread.values) == 1 else f"{text}; by seed {each}"


def bits(spread: Spread) -> str:
    """``0.08 bit``, and the range of the seeds where there are several."""
    if len(spread.values) == 1:
        return f"{spread.mean:.2f} bit"
    return f"{spread.mean:.2f} bit ({min(spread.values):.2f} to {max(spread.values):.2f} over the seeds)"


def ratio(one: Spread, other: Spread) -> str:
    """Two MSEs and their ratio."""
    return f"{decimal(one.mean)} and {decimal(other.mean)}, a ratio of {one.mean / other.mean:.2f}"


def seeds(rows: Sequence[Row]) -> str:
    """A caution where a row has a single seed."""
    if not rows or min(len(row.evaluated) for row in rows) > 1:
        return ""
    several = any(len(row.evaluated) > 1 for row in rows)
    start = "Some rows have one seed only" if several else "Each row is one training run"
    return f" {start}: the intervals cover the choice of test faces, not the luck of training."
