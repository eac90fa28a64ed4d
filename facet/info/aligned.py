"""Text in aligned columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 100
"""Characters in a line."""


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with their cells below one another. A row of a single cell is a heading: it widens no column."""
    tabular = [row for row in rows if len(row) > 1]
    columns = max(map(len, tabular), default=0)
    widths = [max(len(row[i]) for row in tabular if i < len(row)) for i in range(columns)]
    return ["  ".join(cell.ljust(width) for cell, width in _padded(row, widths)).rstrip() for row in rows]


def _padded(row: Sequence[str], widths: Sequence[int]) -> Iterable[tuple[str, int]]:
    return zip(row, widths if len(row) > 1 else [0], strict=False)


def wrapped(rows: Iterable[tuple[str, Sequence[str]]]) -> list[str]:
    """Titles, each with its words beside it, separated by commas and continued below in the same column."""
    rows = list(rows)
    width = max(len(title) for title, _ in rows) + 2
    lines: list[str] = []
    for title, words in rows:
        # A space within a word is kept from ending a line.
        text = ", ".join(word.replace(" ", "\0") for word in words)
        found = textwrap.wrap(text, WIDTH - width, break_long_words=False, break_on_hyphens=False)
        heads = [title, *[""] * len(found)]
        lines += [f"{head:{width}}{line}".replace("\0", " ") for head, line in zip(heads, found, strict=False)]
    return lines
