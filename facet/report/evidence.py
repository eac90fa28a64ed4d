"""How numbers that bear on a claim are worded, and why rows can't be used.

``FUNCTIONS`` are what the claims of a page's file may call (``facet/report/sections/claims.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from facet.comparisons import below, difference, high, last_confusion, mean_over, same, within
from facet.report.cells import cell, decimal
from facet.rows import INTERPRETABLE, Row, Spread, shared

JUDGE = 0.95
"""The judge's accuracy on real images below which its readings of edits can't be relied on."""
UNDERTRAINED = (
    f"Below {INTERPRETABLE:.0%} for either label edits can't be interpreted yet: an undertrained decoder that draws no "
    "mouth also gives a sum of about 100%."
)


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


_CALLED = (within, high, below, same, difference, edits, total, bits, ratio, last_confusion, shared, mean_over)
_SAID = (one_seed, weak_judge, counts_over_stages)
FUNCTIONS: Mapping[str, Callable[..., Any]] = {each.__name__: each for each in (*_CALLED, *_SAID)}
