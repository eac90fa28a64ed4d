"""The table itself: which rows it has, how a cell is worded, and ``table.csv``."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from facet.report.published import Beside, Published, PublishedRate, load
from facet.report.results import PATHS, Result, Row, RowRuns, Spread

__all__ = ["COLUMNS", "Cell", "RowRuns", "TableSpec", "mse_cell", "published_cell", "rate_cell", "sum_cell", "to_csv"]

COLUMNS = (
    *(
        "row",
        "seed",
        "attribute",
        "protocol",
        "mse",
        "reconstruction_on",
        "reconstruction_off",
        "edit_off",
        "edit_off_low",
        "edit_off_high",
    ),
    *("edit_on", "edit_on_low", "edit_on_high", "n", "accuracy", "leakage_bits_sample", "leakage_bits_mean"),
    "judge_accuracy",
)
"""The columns of ``table.csv``; docs/measures.md says what every column of every page is."""
COMPUTED, NUMBER = re.compile(r"\s*[=+\-@\t\r]"), re.compile(r"[-+]?\d*\.?\d+(e[-+]?\d+)?|-?(nan|inf)")


@dataclass(frozen=True)
class TableSpec:
    """What a table shows.

    Attributes:
        name: such as ``table1``.
        title: the page's heading.
        caption: what the table says, in a sentence or two.
        rows: (key, title) in the table's order.
        published: the paper's numbers, or None.
    """

    name: str
    title: str
    caption: str
    rows: tuple[tuple[str, str], ...]
    published: Published | None = None

    @property
    def beside(self) -> Beside | None:
        """Our own rows beside the paper's."""
        return self.published.beside if self.published else None

    @classmethod
    def of(cls, name: str) -> TableSpec:
        """The table of that name in ``published.yaml``.

        Raises:
            ValueError: there is none of that name.
        """
        published = load(name)
        rows = tuple((key, row.title) for key, row in published.rows.items())
        return cls(name, published.title, published.caption, rows, published)


@dataclass(frozen=True)
class Cell:
    """A cell in words: the value, and its 95% interval where it has one. An absent value is a dash."""

    value: str = "–"
    interval: str = ""


def percent(value: float) -> str:
    """``0.8125`` to ``81.2``: without the sign, which stands once per cell."""
    return f"{100 * value:.1f}"


def decimal(value: float) -> str:
    """Four decimals, or three digits where those would be zeros."""
    return f"{value:.4f}" if abs(value) >= 0.001 or value == 0 else f"{value:.2e}"


def signed(value: float) -> str:
    """A difference in percentage points, with its sign: ``+0.7``, ``−0.7``."""
    return f"{100 * value:+.1f}".replace("-", "−")


def rate_cell(spread: Spread | None) -> Cell:
    """``92.1%`` with its interval; over several seeds mean ± sd, and from the lowest to the highest interval's end."""
    if spread is None:
        return Cell()
    sd = "" if spread.sd is None else f" ± {percent(spread.sd)}"
    interval = "" if spread.low is None or spread.high is None else f"{percent(spread.low)}–{percent(spread.high)}%"
    return Cell(f"{percent(spread.mean)}{sd}%", interval)


def mse_cell(spread: Spread | None) -> Cell:
    """``0.0121``, or mean ± sd over the seeds. Other decimals look the same."""
    if spread is None:
        return Cell()
    return Cell(decimal(spread.mean) + ("" if spread.sd is None else f" ± {spread.sd:.4f}"))


def published_cell(rate: PublishedRate) -> Cell:
    """The printed percentage, with an asterisk where it can't be compared, and the interval where n is known."""
    star = "" if rate.comparable else "*"
    if rate.low is None or rate.high is None:
        return Cell(f"{percent(rate.value)}%{star}")
    return Cell(f"{percent(rate.value)}%{star}", f"{percent(rate.low)}–{percent(rate.high)}%")


def sums(row: Row) -> Spread | None:
    """Ĉ_A + Ĉ_not-A over the seeds. 1: the picture ignores y; 2: every edit succeeds.

    A seed's interval adds the ends of its two rates' intervals. Both edits start from the same faces, so the rates
    depend on each other in an unknown way; the sum of the ends holds for any dependence, and is wide rather than wrong.
    """
    pairs = [(result.rate(*PATHS["edit_on"]), result.rate(*PATHS["edit_off"])) for result in row.evaluated]
    both = [(on, off) for on, off in pairs if on is not None and off is not None]
    if not both:
        return None
    return Spread(
        values=tuple(on.value + off.value for on, off in both),
        low=min(on.low + off.low for on, off in both),
        high=max(on.high + off.high for on, off in both),
        n=tuple(off.n for _, off in both),
    )


def sum_cell(row: Row) -> Cell:
    """The sum as a cell."""
    return rate_cell(sums(row))


def count_cell(row: Row) -> str:
    """n of the edits; a range where seeds differ."""
    spread = row.spread("edit_off")
    if spread is None or not spread.n:
        return "–"
    low, high = min(spread.n), max(spread.n)
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def csv_text(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """A page's ``table.csv``: rates in [0, 1], empty where there is no number."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([*map(_cell, line)] for line in (head, *lines))
    return file.getvalue()


def _cell(value: object) -> object:
    """A text that a spreadsheet would compute (``=1+1``), behind an apostrophe; numbers stay numbers."""
    if not isinstance(value, str) or NUMBER.fullmatch(value):
        return value
    return ("'" * bool(COMPUTED.match(value)) + value).replace("\r", " ")  # which would end the line


def to_csv(rows: Sequence[Row]) -> str:
    """``table.csv``: one line per row, seed and attribute, edits by the paper's protocol."""
    each = [(row.key, result) for row in rows for run in row.results for result in run.by_attribute()]
    return csv_text(
        COLUMNS,
        (
            [
                key,
                result.seed,
                result.chosen,
                "paper" if result.chosen else "",
                *(_field(result, c) for c in COLUMNS[4:]),
            ]
            for key, result in each
        ),
    )


def _field(result: Result, column: str) -> float | int | str:
    """A column's number, or nothing."""
    if column in ("n", "edit_off_low", "edit_off_high", "edit_on_low", "edit_on_high"):
        quantity, _, end = ("edit_off_n" if column == "n" else column).rpartition("_")
        rate = result.rate(*PATHS[quantity])
        return "" if rate is None else {"low": round(rate.low, 6), "high": round(rate.high, 6), "n": rate.n}[end]
    value = result.value(column)
    return "" if value is None else round(value, 6)
