"""Columns of a page's tables: what each shows of a row, by measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from facet.errors import UserError, check_known
from facet.measures.registry import MEASURES
from facet.report.cells import Cell, cell, count_cell, published_cell
from facet.rows import Row, Spread


@dataclass(frozen=True)
class Subject:
    """What a cell is of: a row (at a stage, with one seed), and the attributes that are meant."""

    row: Row
    attribute: str | None = None
    other: str = ""


@dataclass(frozen=True)
class Column:
    """A column, as a page's file says it: the name of a measure, or a mapping with these keys.

    Attributes:
        measure: that it shows.
        title: of the head; the measure's own if empty.
        group: the heading above it and its neighbours.
        published: it shows what the paper prints of the measure.
        count: it shows n of the measure.
        fact: it shows what the row's file says of the method under this name.
        seed: it shows the run's seed.
        row: it shows the row's title.
        form: another form than the unit's, see :func:`facet.report.cells.cell`.
        interval: whether the interval stands below.
        with_count: whether n stands behind the interval.
        of_first_stage: it shows the measure as a multiple of what the first stage has.
        words: what stands for a value, such as ``{1: controlled, 0: not controlled}``.
        ranked: whether the best row is marked in a table that can be sorted.
        when: an expression; the column isn't there where it is false.
    """

    measure: str = ""
    title: str = ""
    group: str = ""
    published: bool = False
    count: bool = False
    fact: str = ""
    seed: bool = False
    row: bool = False
    form: str = ""
    interval: bool = True
    with_count: bool = False
    of_first_stage: bool = False
    words: Mapping[int, str] = field(default_factory=dict)
    ranked: bool = True
    when: str = ""

    @classmethod
    def of(cls, said: str | Mapping[str, Any]) -> Column:
        """A column as a page's file says it.

        Raises:
            UserError: a key or a measure that there isn't.
        """
        settings = {"measure": said} if isinstance(said, str) else dict(said)
        known = [each.name for each in fields(cls)]
        for key in settings:
            check_known(key, known, f"a column has no {key!r}")
        column = cls(**settings)
        if column.measure:
            check_known(column.measure, MEASURES, f"there is no measure {column.measure!r}")
        if not (column.measure or column.seed or (column.title and (column.row or column.fact))):
            raise UserError(f"a column shows a measure, a fact, the row or the seed: {said}")
        return column

    @property
    def head(self) -> str:
        """The title, or the measure's own."""
        return self.title or ("seed" if self.seed else MEASURES[self.measure].title)

    @property
    def better(self) -> str:
        """Which way; empty where neither is, or where it isn't asked."""
        return MEASURES[self.measure].better if self.measure else ""

    def spread(self, subject: Subject) -> Spread:
        """The measure over the seeds."""
        return subject.row.spread(self.measure, subject.attribute, subject.other)

    def cell(self, subject: Subject) -> Cell:
        """What stands in the column."""
        row = subject.row
        if self.seed:
            return Cell(str(row.results[0].seed))
        if self.row:
            return Cell(row.title)
        if self.fact:
            return Cell(row.said.facts.get(self.fact, "–"))
        if self.published:
            return published_cell(row, self.measure)
        spread = self.spread(subject)
        if self.count:
            return count_cell(spread)
        if self.words and spread:
            return Cell(self.words[round(spread.mean)])
        if self.of_first_stage:
            first = row.at(0).spread(self.measure) if row.stages > 1 else None
            return Cell(f"{spread.mean / first.mean:.2f}") if first and spread else Cell()
        shown = cell(spread, self.form, self.interval)
        n = f"n = {min(spread.n):,}" if self.with_count and spread.n else ""
        return Cell(shown.value, ", ".join(filter(None, (shown.interval, n))), spread.mean if spread else None)
