"""What sections are rendered from: a page, its rows with their runs, and its texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from facet.pages import Page
from facet.report.texts import Texts
from facet.results import Found, Result
from facet.rows import Row, read_rows


@dataclass(frozen=True)
class Context:
    """A page and what its runs left behind.

    Attributes:
        page: as its file says it.
        rows: the page's own, those without runs included.
        beside: the rows beside them that have runs.
    """

    page: Page
    rows: tuple[Row, ...]
    beside: tuple[Row, ...] = ()

    @classmethod
    def of(cls, page: Page, found: Found) -> Context:
        """A page with the runs that there are."""
        beside = {key: row for key, row in page.beside.items() if key in found}
        return cls(page, read_rows(page.rows, found), read_rows(beside, found))

    @property
    def every_row(self) -> tuple[Row, ...]:
        """The rows and those beside them."""
        return (*self.rows, *self.beside)

    @property
    def evaluated(self) -> tuple[Row, ...]:
        """The page's own rows that have numbers."""
        return tuple(row for row in self.rows if row.evaluated)

    @cached_property
    def texts(self) -> Texts:
        """Fills the page's texts.

        Expressions may ask for several seeds or attributes, rows beside, and ``printed`` measures.
        """
        return Texts(
            self.every_row,
            several_seeds=any(len(row.results) > 1 for row in self.rows),
            several_attributes=bool(self.chosen("several")),
            beside=list(self.beside),
            printed={measure for row in self.every_row for measure in row.said.published},
            citation=self.page.citation,
            note=self.page.note,
            remarks=" ".join(dict.fromkeys(f"* {row.said.remark}" for row in self.rows if row.said.remark)),
            curve=self.page.curve,
        )

    def chosen(self, keys: Sequence[str] | str = "all") -> tuple[Row, ...]:
        """Rows by key, in the page's order: ``all`` of its own, those ``beside``, those of models with ``several``
        attributes, or a list; without rows beside the page's own that have no runs."""
        several = tuple(row for row in self.rows if len(row.attribute_names) > 1)
        named = {"all": self.rows, "beside": self.beside, "several": several}
        if isinstance(keys, str) and keys in named:
            return named[keys]
        return tuple(row for row in self.every_row if row.key in keys)

    def firsts(self, keys: Sequence[str] | str) -> list[tuple[Row, Result, str]]:
        """Of rows by key those with numbers: (row, its first run, the row's title where several are shown)."""
        found = [row for row in self.chosen(keys) if row.evaluated]
        return [(row, row.evaluated[0], row.title if len(found) > 1 else "") for row in found]
