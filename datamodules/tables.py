"""Labels as people write them, and what is refused in files from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.file_kinds import HTML

UNKNOWN = -1
MINUS, NONE = -2, -3  # while a table is read: absent, written -1; no label at all
CODES = {
    **dict.fromkeys(("1", "+1", "1.0", "true"), 1),
    **dict.fromkeys(("0", "0.0", "false"), 0),
    **dict.fromkeys(("-1", "-1.0"), MINUS),
    **dict.fromkeys(("", "nan"), UNKNOWN),
}


def codes(values: Sequence[Any]) -> list[int]:
    """Values as people write them (text, numbers, bools, None) to 0, 1, or what :func:`settled` settles."""
    return [CODES[value] if isinstance(value, str) and value in CODES else _code(value) for value in values]


def _code(value: Any) -> int:
    return CODES.get("" if value is None else str(value).strip().lower(), NONE)


def fault(name: str, column: np.ndarray, value: Callable[[int], Any], where: Callable[[int], str]) -> str | None:
    """Why a column holds no labels, or None where it does.

    Args:
        name: of the column.
        column: its :func:`codes` ``[N]``.
        value: what is written at a position.
        where: what a position is called: its file and line.
    """
    if len(wrong := np.flatnonzero(column == NONE)):
        said = f"{name}={value(wrong[0])!r} is not a label: choose 0/1, -1/1, true/false, or leave it empty"
        return f"{where(wrong[0])}: {said}"
    zeros, minuses = np.flatnonzero(column == 0), np.flatnonzero(column == MINUS)
    if len(zeros) and len(minuses):
        one, other = sorted((zeros[0], minuses[0]))
        said = f"{name}={value(other)!r}, and {value(one)!r} in {where(one)}: which of them means absent?"
        return f"{where(other)}: {said} Write 0/1 or -1/1, and nothing where it is unknown"
    return None


def settled(columns: np.ndarray) -> np.ndarray:
    """Codes without a :func:`fault` as labels: 0, 1, or -1 for unknown; int8."""
    return np.where(columns == MINUS, 0, columns).astype(np.int8)


def check_inside(name: str, where: str) -> None:
    """Refuse a path that leads out of where it belongs.

    Raises:
        ValueError: it does.
    """
    parts = name.replace("\\", "/").split("/")
    if (not parts[0] and len(parts) > 1) or ".." in parts or name[1:2] == ":":
        raise ValueError(f"{where} names {name!r}, which leads out of it: refused")


def refuse_html(path: Path) -> None:
    """Refuse a page that a download service sent in place of a file.

    Raises:
        ValueError: it is one.
    """
    with open(path, "rb") as file:
        start = file.read(512).lstrip().lower()
    if start.startswith(HTML):
        raise ValueError(
            f"{path} is an HTML page: the download service sent its quota or sign-in page in place of the file. "
            "Download it by hand in a browser"
        )
