"""Reading ``metrics.csv``: what is whole in it counts."""

from __future__ import annotations

import csv
import math
from contextlib import suppress
from pathlib import Path

Row = dict[str, float | str]
"""Cells by column, those alone that hold something; numbers as the file has them."""


def rows(path: Path) -> list[Row]:
    """The rows of a ``metrics.csv``, each with its step; without any that is cut off or holds something else."""
    if not path.is_file():  # a pipe would be waited for
        return []
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return []
    lines = text[: text.rfind("\n") + 1].splitlines()  # a last line without its end may be half a number
    found: list[Row] = []
    with suppress(csv.Error):  # a cell without end
        for line in csv.DictReader(lines):
            row: Row = {name: cell for name, cell in line.items() if name and cell}
            if None not in line and None not in line.values() and _numbers(row):
                found.append(row)
    return found


def _numbers(row: Row) -> bool:
    try:
        return math.isfinite(float(row["step"])) and all(isinstance(float(cell), float) for cell in row.values())
    except (KeyError, TypeError, ValueError):
        return False
