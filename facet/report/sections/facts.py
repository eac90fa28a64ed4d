"""A table of plain words, such as a paper's own that says what methods are like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from facet.report.blocks import Block, Head, Table, TableLine
from facet.report.cells import Cell
from facet.report.context import Context


def render(page: Context, heads: Sequence[str], lines: Mapping[str, Sequence[object]], first: str) -> list[Block]:
    """The table.

    Args:
        heads: of the columns behind the first.
        lines: what stands in them, by the title of the line.
        first: the head of the first column.
    """
    words = [TableLine(title, [Cell(str(word)) for word in said]) for title, said in lines.items()]
    return [Table([*map(Head, heads)], words, first)]
