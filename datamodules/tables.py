"""Labels in the notations that people use, and checks of files of unknown origin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from photos.kinds import HTML

UNKNOWN = -1
MINUS, NONE = -2, -3  # only while a table is read: absent, written as -1; not a label
CODES = {
    **dict.fromkeys(("1", "+1", "1.0", "true"), 1),
    **dict.fromkeys(("0", "0.0", "false"), 0),
    **dict.fromkeys(("-1", "-1.0"), MINUS),
    **dict.fromkeys(("", "nan"), UNKNOWN),
}


def codes(values: Sequence[Any]) -> list[int]:
    """Codes of values (text, numbers, bools, None): 0, 1, UNKNOWN, MINUS or NONE; :func:`settled` makes them labels."""
    return [CODES[value] if isinstance(value, str) and value in CODES else _code(value) for value in values]


def _code(value: Any) -> int:
    return CODES.get("" if value is None else str(value).strip().lower(), NONE)


def fault(name: str, column: np.ndarray, value: Callable[[int], Any], where: Callable[[int], str]) -> str | None:
    """Why a column holds no labels; None if it holds labels.

    Args:
        name: of the column.
        column: its :func:`codes` ``[N]``.
        value: returns the written value at a position.
        where: returns the file and line of a position.
    """
    if len(wrong := np.flatnonzero(column == NONE)):
        why = f"{name}={value(wrong[0])!r} is not a label: choose 0/1, -1/1, true/false, or leave it empty"
        return f"{where(wrong[0])}: {why}"
    zeros, minuses = np.flatnonzero(column == 0), np.flatnonzero(column == MINUS)
    if len(zeros) and len(minuses):
        one, other = sorted((zeros[0], minuses[0]))
        why = f"{name}={value(other)!r}, and {value(one)!r} in {where(one)}: which of them means absent?"
        return f"{where(other)}: {why} Write 0/1 or -1/1, and nothing where it is unknown"
    return None


def settled(columns: np.ndarray) -> np.ndarray:
    """Labels (0, 1, or -1 for unknown; int8) from codes without a :func:`fault`."""
    return np.where(columns == MINUS, 0, columns).astype(np.int8)


def check_inside(name: str, where: str) -> None:
    """Refuse a path that leads out of its directory or archive.

    Raises:
        ValueError: the path leads out of it.
    """
    parts = name.replace("\\", "/").split("/")
    if (not parts[0] and len(parts) > 1) or ".." in parts or name[1:2] == ":":
        raise ValueError(f"{where} names {name!r}, which leads out of it: refused")


def refuse_html(path: Path) -> None:
    """Refuse an HTML page that a download service sent in place of a file.

    Raises:
        ValueError: the file is an HTML page.
    """
    with open(path, "rb") as file:
        start = file.read(512).lstrip().lower()
    if start.startswith(HTML):
        raise ValueError(
            f"{path} is an HTML page: the download service sent its quota or sign-in page in place of the file. "
            "Download it by hand in a browser"
        )
