"""Strips of the same test faces, row by row: original, reconstruction, and both edits."""

from __future__ import annotations

from collections.abc import Sequence

from facet.report.blocks import Block, Faces
from facet.report.context import Context


def render(page: Context, rows: Sequence[str] | str = "all", single: bool = False, heading: str = "") -> list[Block]:
    """Faces of every row.

    Args:
        rows: which.
        single: only rows whose model has a single attribute.
        heading: above each, a template in which ``row`` is the row; the row's title if empty.
    """
    chosen = [row for row in page.chosen(rows) if not single or len(row.attribute_names) == 1]
    return [Faces(row, page.texts.fill(heading, row=row)) for row in chosen]
