"""The rows of a page: each with all its runs, a measure over their seeds, and all of it as the tidy table."""

from __future__ import annotations

import csv
import io
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from facet.measures.families import Measure
from facet.measures.registry import MEASURES, Number
from facet.pages import PageRow
from facet.results import Found, Line, Result, read_run

INTERPRETABLE = 0.9
"""The reconstruction rate below which a row's edits can't be interpreted, for either label."""

COMPUTED, NUMBER = re.compile(r"\s*[=+\-@\t\r]"), re.compile(r"[-+]?\d*\.?\d+(e[-+]?\d+)?|-?(nan|inf)")


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

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return statistics.fmean(self.values)

    @property
    def sd(self) -> float | None:
        """The sample standard deviation over the seeds, None for one seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Row:
    """A row of a page with all its runs; with a ``stage``, as they were at its end."""

    key: str
    said: PageRow
    results: tuple[Result, ...]
    title: str = ""
    stage: int | None = None

    @property
    def evaluated(self) -> tuple[Result, ...]:
        """The runs that have numbers."""
        return tuple(result for result in self.results if result.state == "evaluated")

    @property
    def missing(self) -> tuple[Result, ...]:
        """The runs that have none."""
        return tuple(result for result in self.results if result.state != "evaluated")

    @property
    def attribute(self) -> str:
        """The edited attribute, by the first run that has numbers."""
        return next((result.attribute for result in self.evaluated), "Attribute")

    @property
    def attribute_names(self) -> list[str]:
        """Of the first run that has numbers."""
        return next((result.attribute_names for result in self.evaluated), [])

    @property
    def interpretable(self) -> bool:
        """Whether every evaluated seed reconstructs both labels at a rate of at least ``INTERPRETABLE``."""
        return bool(self.evaluated) and not self.undertrained

    @property
    def undertrained(self) -> tuple[Result, ...]:
        """The evaluated runs whose unedited reconstructions the judge reads as the input's label too rarely."""
        rates = ("reconstruction_on", "reconstruction_off")
        return tuple(
            result
            for result in self.evaluated
            if any((result.value(rate, stage=self.stage) or 0.0) < INTERPRETABLE for rate in rates)
        )

    @property
    def diverged(self) -> tuple[Result, ...]:
        """The evaluated runs whose images are not numbers."""
        return tuple(result for result in self.evaluated if result.diverged)

    @property
    def labels_given(self) -> bool:
        """Whether the method predicts no attributes and was given them."""
        return any(result.content.get("labels_given") for result in self.evaluated)

    @property
    def reason(self) -> str:
        """Why there are no numbers, or nothing."""
        if self.evaluated:
            return ""
        return ", ".join(sorted({result.state for result in self.results})) or "never run"

    @property
    def stages(self) -> int:
        """The most that a run of it has."""
        return max((result.stages for result in self.evaluated), default=0)

    @property
    def each(self) -> tuple[Row, ...]:
        """A row for every run."""
        return tuple(replace(self, results=(result,)) for result in self.results)

    def at(self, stage: int) -> Row:
        """The row at the end of a stage."""
        return replace(self, stage=stage)

    def spread(self, measure: str, attribute: str | None = None, other: str = "") -> Spread:
        """A measure over the evaluated seeds."""
        numbers = [result.number(measure, attribute, self.stage, other) for result in self.evaluated]
        return Spread.over(MEASURES[measure], [number for number in numbers if number is not None])

    def __getattr__(self, name: str) -> Spread:  # in the templates of pages: row.edit_on
        if name in MEASURES:
            return self.spread(name)
        raise AttributeError(name)


def read_rows(rows: Mapping[str, PageRow], found: Found) -> tuple[Row, ...]:
    """The runs of each row, in the page's order; rows without any are there, too."""
    return tuple(
        Row(key, said, tuple(read_run(key, seed, path) for seed, path in found.get(key, ())), said.title)
        for key, said in rows.items()
    )


def table(rows: Sequence[Row]) -> list[Line]:
    """The tidy table of all runs."""
    return [line for row in rows for result in row.evaluated for line in result.lines]


def shared(rows: Sequence[Row], measure: str) -> list[str]:
    """The attributes of which every row has a measure, in the order of the first row."""
    if not rows:
        return []
    lines = (line for result in rows[0].evaluated for line in result.lines if line.measure == measure)
    names = rows[0].attribute_names or list(dict.fromkeys(line.attribute for line in lines))
    return [name for name in names if all(row.spread(measure, name) for row in rows)]


def to_csv(lines: Sequence[Line]) -> str:
    """``table.csv``: the tidy table; rates in [0, 1], empty where there is no number."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([*map(_plain, line)] for line in (Line._fields, *lines))
    return file.getvalue()


def _plain(value: object) -> object:
    """A text that a spreadsheet would compute (``=1+1``), behind an apostrophe; numbers stay numbers."""
    if isinstance(value, float):
        return round(value, 6)
    if not isinstance(value, str) or NUMBER.fullmatch(value):
        return value
    return ("'" * bool(COMPUTED.match(value)) + value).replace("\r", " ")  # which would end the line
