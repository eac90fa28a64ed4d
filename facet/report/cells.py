"""How numbers are worded in cells and in texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from facet.rows import Row, Spread

DIGITS = {"bit": 2, "number": 2, "score": 3, "images/s": 0}
"""After the point, of units that are plain numbers."""


@dataclass(frozen=True)
class Cell:
    """A cell: the value in words or a dash, its 95% interval or another remark, and the number to sort by, if any."""

    value: str = "–"
    interval: str = ""
    number: float | None = None

    def __str__(self) -> str:
        return f"{self.value} ({self.interval})" if self.interval else self.value


def percent(value: float) -> str:
    """``0.8125`` to ``81.2``: without the sign, which stands once per cell."""
    return f"{100 * value:.1f}"


def percents(low: float | None, high: float | None) -> str:
    """``81.2–83.0%``, the ends of an interval; nothing where there is none."""
    return "" if low is None or high is None else f"{percent(low)}–{percent(high)}%"


def decimal(value: float) -> str:
    """Four decimals, or three digits where those would be zeros."""
    return f"{value:.4f}" if abs(value) >= 0.001 or value == 0 else f"{value:.2e}"


def short_count(size: float) -> str:
    """``4.20 M``, or the number itself where it is small."""
    return f"{size / 1e6:.2f} M" if size >= 1e5 else f"{size:,.0f}"


PLAIN: Mapping[str, Callable[[float], str]] = {
    "count": "{:,.0f}".format,
    "seconds": lambda seconds: f"{seconds / 60:.1f}",
    "minutes": lambda seconds: f"{seconds / 60:.1f} min",
    "short": short_count,
    "side": lambda side: f"{side:.0f}×{side:.0f}",
}
"""Words for a mean alone, by unit or form."""


def cell(spread: Spread, form: str = "", interval: bool = True) -> Cell:
    """A measure over the seeds, worded by its unit.

    Over several seeds: mean ± sd, and from the lowest to the highest end of their intervals.

    Args:
        form: another form than the unit's: ``short`` (4.20 M), ``side`` (64×64), ``minutes`` (6.7 min), or ``bit``.
        interval: whether to give the interval, too.
    """
    if not spread:
        return Cell()
    unit, mean, sd = spread.measure.unit, spread.mean, spread.sd
    if plain := PLAIN.get(form or unit):
        return Cell(plain(mean))
    known = interval and spread.low is not None and spread.high is not None
    if unit == "error":
        ends = f"{decimal(spread.low or 0)}–{decimal(spread.high or 0)}" if known else ""
        return Cell(decimal(mean) + ("" if sd is None else f" ± {sd:.4f}"), ends)
    if unit == "share":
        value = percent(mean) + ("%" if sd is None else f" ± {percent(sd)}%")
        return Cell(value, spread.of.replace("_", " ") or (percents(spread.low, spread.high) if interval else ""))
    digits = DIGITS[unit]
    value = (f"{mean:.{digits}f}" + ("" if sd is None else f" ± {sd:.{digits}f}")).replace("-", "−")
    ends = f"{spread.low:.{digits}f}–{spread.high:.{digits}f}" if known and sd is None else ""
    return Cell(value + " bit" * (form == "bit"), ends)


def worded(value: Any) -> Any:
    """A measure as a text has it, ``92.1% (90.5–93.4%)``; all else as it is."""
    return cell(value) if isinstance(value, Spread) else value


def published_cell(row: Row, measure: str) -> Cell:
    """What the paper prints, with an asterisk where it can't be compared, and the interval where n is known."""
    star = "*" if row.said.remark else ""
    if measure == "edit_sum":
        both = [row.said.printed(each) for each in ("edit_off", "edit_on")]
        return Cell(f"{percent(sum(each.value for each in both if each))}%{star}") if all(both) else Cell("")
    if (printed := row.said.printed(measure)) is None:
        return Cell("–" if row.said.published else "")
    if measure == "mse":
        return Cell(f"{printed.value:.3f}{star}")
    if measure == "accuracy":
        return Cell(f"{100 * printed.value:.0f}%")
    return Cell(f"{percent(printed.value)}%{star}", percents(printed.low, printed.high))


def count_cell(spread: Spread) -> Cell:
    """n of a measure; a range where seeds differ."""
    ends = sorted({min(spread.n), max(spread.n)}) if spread.n else ()
    return Cell("–".join(f"{n:,}" for n in ends) or "–")


def mark(row: Row) -> str:
    """What stands behind a row's title: † where its edits can't be interpreted, the reason where it has no numbers."""
    if not row.evaluated:
        return f" ({row.reason})"
    if row.diverged:
        return " (training diverged)"
    weak = row.spread("edit_on") and not row.interpretable
    return " (labels given)" * row.labels_given + " †" * bool(weak)
