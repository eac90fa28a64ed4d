"""What sections are made of: tables, figures, faces, claims and text; how a file shows them, the page decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from matplotlib.figure import Figure as Drawing

from facet.report.cells import Cell
from facet.rows import Row


@dataclass(frozen=True)
class Head:
    """The head of a column.

    Attributes:
        title: of the column.
        group: of it and its neighbours, above; empty for none.
        better: ``up``, ``down`` or empty, for a table that can be sorted.
        published: whether the column is a paper's.
    """

    title: str
    group: str = ""
    better: str = ""
    published: bool = False


@dataclass(frozen=True)
class TableLine:
    """A line of a table.

    Attributes:
        title: in the first column.
        cells: of the other columns.
        row: whose flags stand beside the title, or None.
        best: the columns in which it leads.
    """

    title: str
    cells: Sequence[Cell]
    row: Row | None = None
    best: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Table:
    """A table; ``notes`` stand below it."""

    heads: Sequence[Head]
    lines: Sequence[TableLine]
    first: str = "Model"
    notes: Sequence[str] = ()
    sortable: bool = False

    @property
    def groups(self) -> list[tuple[str, int]]:
        """(heading, how many columns it spans), from the second column on; empty where no column has one."""
        found = [(group, len([*heads])) for group, heads in groupby(self.heads, lambda head: head.group)]
        return found if any(group for group, _ in found) else []


@dataclass(frozen=True)
class Figure:
    """A figure: what draws it, or the content of an animation (webp).

    Attributes:
        name: of its files, without ending; the same for nothing else on the page.
        drawn: see above.
        alt: for who can't see it.
        title: above it, where a section has several.
        caption: below it; the section's if empty.
    """

    name: str
    drawn: Callable[[], Drawing] | bytes
    alt: str
    title: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Faces:
    """Strips of the same test faces of a row's runs, from ``examples.npz``; ``title`` replaces the row's above them."""

    row: Row
    title: str = ""


@dataclass(frozen=True)
class Claim:
    """A claim of a paper, whether these runs show it, and the numbers that say so; ``key`` is its name on the page."""

    key: str
    claim: str
    verdict: str
    text: str


Block = Table | Figure | Faces | Claim | str
"""A text is a paragraph."""


@dataclass(frozen=True)
class Section:
    """A section of a page."""

    key: str
    title: str
    text: str
    blocks: Sequence[Block] = ()
