"""The csv file of ``data=folder``: the images, their splits and their labels."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datamodules import tables, text_files
from datamodules.sources import IMAGES
from datamodules.splits import SPLITS, hashed_split

Record = tuple[str, list[int]]
"""A path below the root, and a label in {0, 1, -1 = unknown} for every attribute."""
SPLIT_NAMES = {**{split: split for split in SPLITS}, "valid": "val", "validation": "val"}
SHOWN = 3  # folders or columns that a message names


@dataclass(frozen=True)
class Labels:
    """The contents of a csv file.

    Attributes:
        names: the attributes: the names of the columns that hold labels.
        faults: other column -> why it holds no labels.
        splits: split -> its records.
    """

    names: tuple[str, ...]
    faults: dict[str, str]
    splits: dict[str, list[Record]]


def read_labels(file: Path, root: Path, split_seed: int, chosen: Sequence[str] | None) -> Labels:
    """Read a csv file.

    Args:
        file: the csv file.
        root: directory of the images.
        split_seed: seed of the hash that chooses the split of images without one.
        chosen: attributes that are required; None requires none.

    Raises:
        ValueError: the file is missing, a line can't be used, or a chosen column holds no labels.
    """
    if not file.exists():
        raise ValueError(f"{file} is missing: {_what_to_write(root)}")
    header, rows = text_files.read_rows(file)
    if header[0].lower().endswith(IMAGES) or os.path.isfile(root / header[0]):
        first = f"its first line is {','.join(header)[:60]!r}, where the columns have to be named: file,Smiling"
        raise ValueError(f"{file} has no header: {first}")
    split_column = next((i for i, name in enumerate(header) if name.lower() == "split"), None)
    names = {name: i for i, name in enumerate(header) if i not in (0, split_column)}
    if not names:
        columns = f"its header is {', '.join(header)}; after the path, every column is an attribute"
        raise ValueError(f"{file} has no column of labels: {columns}")
    if split_column is None and (meant := _meant_as_split(names, rows)):
        raise ValueError(f"{file} has a column {meant!r} and none named split: name it split, with {', '.join(SPLITS)}")
    values, faults = _values(file, names, rows)
    refused = [faults[name] for name in chosen or () if name in faults]
    if refused or len(faults) == len(names):
        raise ValueError([*refused, *faults.values()][0])
    splits: dict[str, list[Record]] = {split: [] for split in SPLITS}
    for (path, split), labels in zip(_places(file, root, rows, split_column, split_seed), values, strict=True):
        splits[split].append((path, labels))
    return Labels(tuple(name for name in names if name not in faults), faults, splits)


def _meant_as_split(names: dict[str, int], rows: list[text_files.Row]) -> str | None:
    """A column that seems to hold the split under another name; without it, a hash would choose other splits."""
    for name, i in names.items():
        values = {cells[i].strip().lower() for _, cells in rows} - {""}
        if name.lower() == "partition" or (values and values <= SPLIT_NAMES.keys()):
            return name
    return None


def _values(file: Path, names: dict[str, int], rows: list[text_files.Row]) -> tuple[list[list[int]], dict[str, str]]:
    """The labels of every row in the columns that hold labels, and for every other column why it holds none."""
    codes = np.array([tables.codes([cells[i] for i in names.values()]) for _, cells in rows], np.int8)

    def written(i: int) -> Callable[[int], str]:
        return lambda row: rows[row][1][i]

    faults = {}
    for (name, i), column in zip(names.items(), codes.T, strict=True):
        if why := tables.fault(name, column, written(i), lambda row: f"{file}, line {rows[row][0]}"):
            faults[name] = why
    return tables.settled(codes[:, [name not in faults for name in names]]).tolist(), faults


def _places(
    file: Path, root: Path, rows: list[text_files.Row], split_column: int | None, split_seed: int
) -> Iterator[tuple[str, str]]:
    """Path and split of every row."""
    lines: dict[str, int] = {}
    for line, cells in rows:
        where = f"{file}, line {line}"
        path = path_below(root, cells[0], where)
        if (before := lines.setdefault(path, line)) != line:
            raise ValueError(f"{where}: {path} is listed twice, first in line {before}")
        split = "" if split_column is None else cells[split_column].strip().lower()
        if split and split not in SPLIT_NAMES:
            raise ValueError(f"{where}: split {split!r} is none of {', '.join(SPLITS)}")
        yield path, SPLIT_NAMES[split] if split else hashed_split(path, split_seed)


def path_below(root: Path, written: str, where: str) -> str:
    """Normalise a written path to one relative to the root: ``./a//x.png`` is ``a/x.png``.

    Raises:
        ValueError: the path is empty, or leads out of the root.
    """
    path = unicodedata.normalize("NFC", written.strip()).replace("\\", "/")
    if path.startswith("/"):
        bases = [f"{base.as_posix()}/" for base in (root.absolute(), root.resolve())]
        path = next((path.removeprefix(base) for base in bases if path.startswith(base)), path)
    tables.check_inside(path, where)
    if not (parts := [part for part in path.split("/") if part not in ("", ".")]):
        raise ValueError(f"{where}: no path")
    return "/".join(parts)


def _what_to_write(root: Path) -> str:
    """An example of a csv file for this directory, for a message."""
    notes = next(iter(sorted([*root.glob("*.json"), *root.glob("*/*.json")])), None)
    classes = sorted(folder for folder in root.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    images = [image for folder in classes if (image := _first_image(root, folder))]
    remark, lines = "", ["file,Smiling", "anna/1.jpg,1"]
    if notes:
        remark = f"{root} has JSON ({notes.relative_to(root)}), and which of it are labels is yours to say. "
    elif len(images) > 1:
        remark = f"{root} has folders ({', '.join(folder.name for folder in classes[:SHOWN])}); if they are classes: "
        lines = [f"file,{classes[0].name}", f"{images[0]},1", f"{images[1]},0"]
    return f"{remark}write a csv with a line per image, such as {' | '.join(lines)}"


def _first_image(root: Path, folder: Path) -> str | None:
    images = sorted(file for file in folder.iterdir() if file.suffix.lower() in IMAGES)
    return str(images[0].relative_to(root)) if images else None
