"""Tables of labels as people write them, and what is refused in files from elsewhere."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

LABELS = {"1": 1, "+1": 1, "1.0": 1, "true": 1, "0": 0, "0.0": 0, "-1": 0, "-1.0": 0, "false": 0, "": -1, "nan": -1}
UNKNOWN = -1


def label(name: str, value: Any) -> int:
    """A label as people write it to 0, 1, or -1 for unknown.

    Args:
        name: of the attribute, for the message.
        value: text, a number, a bool or None.

    Raises:
        ValueError: neither 0/1, ±1, true/false nor empty.
    """
    text = str(value if value is not None else "").strip().lower()
    if text not in LABELS:
        raise ValueError(f"{name}={value!r} is not a label: choose 0/1, -1/1, true/false, or leave it empty")
    return LABELS[text]


def labels(names: Sequence[str], values: Sequence[str]) -> list[int]:
    """A row of labels, each as :func:`label` reads it; fast where they are written plainly.

    Raises:
        ValueError: one of them is no label.
    """
    try:
        return [LABELS[value] for value in values]
    except KeyError:
        return [label(name, value) for name, value in zip(names, values, strict=True)]


def label_column(name: str, values: Iterable[Any]) -> list[int]:
    """A column of labels of any type, each as :func:`label` reads it.

    Raises:
        ValueError: one of them is no label.
    """
    values = list(values)
    read: Mapping[Any, int] = {value: label(name, value) for value in set(values)}
    return [read[value] for value in values]


def read_csv(file: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """A csv with a header: the header, and (line number, values by column).

    Raises:
        ValueError: it isn't there, can't be read, isn't text, or has no usable header or no rows.
    """
    if not file.is_file():
        raise ValueError(f"{file} is missing")
    try:
        refuse_html(file)
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            header = list(reader.fieldnames or [])
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise ValueError(f"{file} can't be read ({error.strerror or error})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{file} is not a csv of text in UTF-8 ({error})") from error
    if not rows:
        raise ValueError(f"{file} has a header at most, and no lines below it")
    if "" in (name.strip() for name in header):
        raise ValueError(f"{file} has a column without a name: is there a comma at the end of its first line?")
    if twice := next((name for name in header if header.count(name) > 1), None):
        raise ValueError(f"{file} has two columns named {twice!r}")
    return header, rows


def check_inside(name: str, where: str) -> None:
    """Refuse a path that leads out of where it belongs.

    Raises:
        ValueError: it does.
    """
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or (len(name) > 1 and name[1] == ":"):
        raise ValueError(f"{where} names {name!r}, which leads out of it: refused")


def refuse_html(path: Path) -> None:
    """Refuse a page that a download service sent in place of a file.

    Raises:
        ValueError: it is one.
    """
    with open(path, "rb") as file:
        start = file.read(512).lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head")):
        raise ValueError(
            f"{path} is an HTML page: the download service sent its quota or sign-in page in place of the file. "
            "Download it by hand in a browser"
        )
