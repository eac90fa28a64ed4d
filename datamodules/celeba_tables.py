"""CelebA's tables in the formats of its project page and of its copies: attributes, partition, CelebA-HQ's mapping."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np

from datamodules.tables import codes, fault, settled
from datamodules.text_files import INDEX, read_text

ATTRIBUTES = (
    *("5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips"),
    *("Big_Nose", "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby"),
    *("Double_Chin", "Eyeglasses", "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male"),
    *("Mouth_Slightly_Open", "Mustache", "Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose"),
    *("Receding_Hairline", "Rosy_Cheeks", "Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair"),
    *("Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick", "Wearing_Necklace", "Wearing_Necktie", "Young"),
)
COUNT = re.compile("[0-9]{1,9}")
Line = tuple[int, str]
"""A line's number and text."""


def read_attributes(file: Path, whole: bool = True) -> dict[str, np.ndarray]:
    """Image -> its labels ``[40]`` in {0, 1, -1 = unknown}, of ``list_attr_celeba`` or CelebAMask-HQ's annotations.

    Args:
        file: the number of images (optional), a header, and a line per image.
        whole: whether the number of lines must be the number in the first line.

    Raises:
        ValueError: the file can't be used; the message names the line.
    """
    lines = _lines(file)
    count = int(lines.pop(0)[1]) if COUNT.fullmatch(lines[0][1]) else None
    header = cells(lines.pop(0)[1])
    if lacking := [name for name in ATTRIBUTES if name not in header]:
        has = f"its header is {' '.join(header)[:60]!r}, without {lacking[0]!r}"
        raise ValueError(f"{file} does not have CelebA's 40 attributes: {has}: download it again")
    if whole and count is not None and count != len(lines):
        raise ValueError(f"{file} says {count:,} images and has {len(lines):,} lines: download it again")
    nameless = header[0] in ATTRIBUTES  # CelebA's own header has no name for the images
    header = header if not nameless else ["", *header]
    columns = [header.index(name) for name in ATTRIBUTES]
    before = header[: min(columns)]  # the images' names, and perhaps pandas' index: row numbers, or the names again
    image = next((i for i, name in enumerate(before) if name.lower() not in INDEX), 0)
    names: dict[str, int] = {}
    values = np.empty((len(lines), len(ATTRIBUTES)), np.int8)
    for row, (number, line) in enumerate(lines):
        written = cells(line)
        if len(written) != len(header):
            found = f"{len(written)} columns where there should be {len(header)}"
            raise ValueError(f"{file}, line {number}: {found} ({line[:40]!r})")
        _once(names, written[image], number, file)
        values[row] = codes([written[i] for i in columns])
    for name, column, i in zip(ATTRIBUTES, values.T, columns, strict=True):
        written_in = partial(_cell, lines, i)
        if wrong := fault(name, column, written_in, lambda row: f"{file}, line {lines[row][0]}"):
            raise ValueError(wrong)
    return dict(zip(names, settled(values), strict=True))


def read_partition(file: Path) -> dict[str, int]:
    """Image -> its split in ``list_eval_partition``, as a position in :data:`datamodules.splits.SPLITS`.

    Raises:
        ValueError: the file can't be used; the message names the line.
    """
    lines = _lines(file)
    if not cells(lines[0][1])[-1].isdigit():
        lines.pop(0)  # a header
    names: dict[str, int] = {}
    splits: dict[str, int] = {}
    for number, line in lines:
        *_, name, value = ["", *cells(line)]
        if value not in ("0", "1", "2"):
            raise ValueError(f"{file}, line {number}: the split of {name!r} is {value!r}, not 0, 1 or 2")
        _once(names, name, number, file)
        splits[name] = int(value)
    return splits


def read_mapping(file: Path) -> dict[str, str]:
    """CelebA-HQ's image -> CelebA's, from ``CelebA-HQ-to-CelebA-mapping.txt``.

    Raises:
        ValueError: the file can't be used; the message names the line.
    """
    mapping = {}
    for number, line in _lines(file)[1:]:
        written = cells(line)
        if len(written) != 3:
            raise ValueError(f"{file}, line {number}: {line[:40]!r}, where idx, orig_idx and orig_file should be")
        mapping[f"{written[0]}.jpg"] = written[2]
    return mapping


def cells(line: str) -> list[str]:
    """The cells of a line, separated by commas or semicolons if it has any, otherwise by white space."""
    separator = next((one for one in (",", ";") if one in line), None)
    return [cell.strip().strip('"') for cell in line.split(separator)]


def _cell(lines: list[Line], column: int, row: int) -> str:
    return cells(lines[row][1])[column]


def _once(names: dict[str, int], name: str, number: int, file: Path) -> None:
    if (before := names.setdefault(name, number)) != number:
        raise ValueError(f"{file}, line {number}: {name} is listed twice, first in line {before}")


def _lines(file: Path) -> list[Line]:
    lines = [(number, line.strip()) for number, line in enumerate(read_text(file).splitlines(), 1) if line.strip()]
    if len(lines) < 3:
        raise ValueError(f"{file} has {len(lines)} lines: download it again")
    return lines
