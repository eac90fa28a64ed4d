"""Reads ``metrics.csv``, skipping incomplete rows."""

from __future__ import annotations

import csv
import math
from contextlib import suppress
from pathlib import Path

Row = dict[str, float | str]
"""The non-empty cells by column; numbers are text, as in the file."""


def rows(path: Path) -> list[Row]:
    """The rows of a ``metrics.csv``, without rows that are cut off or hold anything but numbers."""
    if not path.is_file():  # reading a pipe would block
        return []
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return []
    lines = text[: text.rfind("\n") + 1].splitlines()  # a last line without a newline may end in half a number
    complete: list[Row] = []
    with suppress(csv.Error):  # an unclosed quote
        for line in csv.DictReader(lines):
            row: Row = {name: cell for name, cell in line.items() if name and cell}
            if None not in line and None not in line.values() and _numbers(row):
                complete.append(row)
    return complete


def _numbers(row: Row) -> bool:
    try:
        return math.isfinite(float(row["step"])) and all(isinstance(float(cell), float) for cell in row.values())
    except (KeyError, TypeError, ValueError):
        return False
