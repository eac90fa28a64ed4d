"""CelebA in the forms that people have it in: found below a directory, its tables read and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datamodules.sources import Parquet, open_parquet, open_source
from datamodules.splits import SPLITS
from datamodules.tables import label_column, labels, refuse_html

ATTRIBUTES = (
    *("5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips"),
    *("Big_Nose", "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby"),
    *("Double_Chin", "Eyeglasses", "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male"),
    *("Mouth_Slightly_Open", "Mustache", "Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose"),
    *("Receding_Hairline", "Rosy_Cheeks", "Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair"),
    *("Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick", "Wearing_Necklace", "Wearing_Necktie", "Young"),
)
BY_HAND = (
    "get img_align_celeba.zip, list_attr_celeba.txt and list_eval_partition.txt from "
    "the CelebA project page (mmlab.ie.cuhk.edu.hk/projects/CelebA.html), or the .csv files of its copy on Kaggle, "
    "put them into one directory, and set data.root to it"
)


@dataclass(frozen=True)
class Files:
    """A copy of CelebA, in the order of CelebA's files.

    Attributes:
        kind: of the source of its images, as :func:`datamodules.sources.open_source` takes it.
        path: of the source.
        names: of the images in the source.
        splits: ``[N]``, the official one of each, as a position in :data:`datamodules.splits.SPLITS`.
        labels: ``[N, 40]`` int8, of :data:`ATTRIBUTES` in {0, 1}, -1 where unknown.
        stamp: changes with images and tables.
    """

    kind: str
    path: str
    names: list[str]
    splits: np.ndarray
    labels: np.ndarray
    stamp: str


def find(root: Path) -> Files:
    """Find CelebA below a directory.

    Raises:
        ValueError: it isn't there, or is incomplete or damaged; the message says what to do.
    """
    if not root.is_dir():
        raise ValueError(f"data.root={root} is not a directory: {BY_HAND}")
    try:
        return _find(root)
    except OSError as error:
        raise ValueError(f"{error.filename or root} can't be read: {error.strerror or error}") from error


def _find(root: Path) -> Files:
    for place in (root, root / "celeba"):
        attributes = _first(place, "list_attr_celeba.txt", "list_attr_celeba.csv")
        if attributes is not None:
            partition = _first(place, "list_eval_partition.txt", "list_eval_partition.csv")
            if partition is None:
                raise ValueError(f"{place} has {attributes.name} but no list_eval_partition.txt or .csv: {BY_HAND}")
            return _tables(place, attributes, partition)
        if shards := [*place.glob("*.parquet"), *place.glob("*/*.parquet")]:
            return _parquet(place, shards)
    raise ValueError(f"no CelebA in {root}: {_suggestion(root) or BY_HAND}")


def _tables(place: Path, attributes: Path, partition: Path) -> Files:
    kind, path = _images(place)
    rows, splits = dict(_rows(attributes)), dict(_partition(partition))
    if missing := next((name for name in rows if name not in splits), None):
        raise ValueError(f"{partition} has no line for {missing}: download it again")
    source = open_source(kind, str(path))
    present = {name.rsplit("/", 1)[-1]: name for name in source.names()}
    if extra := next((name for name in sorted(present) if name not in rows), None):
        raise ValueError(f"{attributes} has {len(rows):,} lines for {len(present):,} images, and none for {extra}")
    if missing := next((name for name in rows if name not in present), None):
        lacking = sum(name not in present for name in rows)
        raise ValueError(f"{path} lacks {lacking:,} of the {len(rows):,} listed images, the first is {missing}")
    stats = [table.stat() for table in (attributes, partition)]
    order = sorted(rows)
    return Files(
        kind=kind,
        path=str(path),
        names=[present[name] for name in order],
        splits=np.array([splits[name] for name in order], np.int8),
        labels=np.array([rows[name] for name in order], np.int8),
        stamp=" ".join([source.stamp(), *(f"{stat.st_size} {stat.st_mtime_ns}" for stat in stats)]),
    )


def _images(place: Path) -> tuple[str, Path]:
    for folder in (place, place / "Img"):  # CelebA's own page has Anno/, Eval/ and Img/
        for below in ("img_align_celeba/img_align_celeba", "img_align_celeba"):  # Kaggle's copy has one in the other
            if (folder / below).is_dir():
                return "directory", folder / below
        if (folder / "img_align_celeba.zip").is_file():
            return "zip", folder / "img_align_celeba.zip"
    raise ValueError(f"{place} has neither img_align_celeba/ nor img_align_celeba.zip: {BY_HAND}")


def _rows(file: Path) -> Iterator[tuple[str, list[int]]]:
    """(image, labels) of ``list_attr_celeba``, text or csv."""
    lines = _lines(file)
    comma = file.suffix == ".csv"
    said = None if comma else lines.pop(0)
    header = lines.pop(0).split(",")[1:] if comma else lines.pop(0).split()
    if tuple(header) != ATTRIBUTES:
        raise ValueError(f"{file} does not have CelebA's 40 attributes in its header: download it again")
    if said is not None and said.strip().isdigit() and int(said) != len(lines):
        raise ValueError(f"{file} says {int(said):,} images and has {len(lines):,} lines: download it again")
    for number, line in enumerate(lines, start=2 if comma else 3):
        name, *values = line.split(",") if comma else line.split()
        if len(values) != len(ATTRIBUTES):
            raise ValueError(f"{file}, line {number}: {len(values)} labels where there should be 40")
        try:
            yield name, labels(ATTRIBUTES, values)
        except ValueError as error:
            raise ValueError(f"{file}, line {number}: {error}") from error


def _partition(file: Path) -> Iterator[tuple[str, int]]:
    lines = _lines(file)
    comma = file.suffix == ".csv"
    for number, line in enumerate(lines[1:] if comma else lines, start=1 + comma):
        name, _, value = line.partition(",") if comma else line.partition(" ")
        if value.strip() not in ("0", "1", "2"):
            raise ValueError(f"{file}, line {number}: the split of {name!r} is {value.strip()!r}, not 0, 1 or 2")
        yield name, int(value)


def _lines(file: Path) -> list[str]:
    refuse_html(file)
    try:
        lines = [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not a text file: download it again") from error
    if len(lines) < 3:
        raise ValueError(f"{file} has {len(lines)} lines: download it again")
    return lines


def _parquet(place: Path, shards: list[Path]) -> Files:
    """Shards named after their split, an image column with bytes, the attributes as columns."""
    names: list[str] = []
    splits: list[int] = []
    found: list[np.ndarray] = []
    source = Parquet(str(place))
    of_split = {shard: SPLITS.index(_split_of(shard)) for shard in shards}
    for shard in sorted(shards, key=lambda shard: (of_split[shard], shard)):  # CelebA's order: train, val, test
        i = source.files.index(shard)
        columns = set(open_parquet(str(shard)).schema_arrow.names)
        if missing := [name for name in ("image", *ATTRIBUTES) if name not in columns]:
            raise ValueError(f"{shard} has no column {missing[0]!r}: it is not CelebA with its attributes")
        table = open_parquet(str(shard)).read(columns=list(ATTRIBUTES)).to_pydict()
        try:
            read = [label_column(name, table[name]) for name in ATTRIBUTES]
        except ValueError as error:
            raise ValueError(f"{shard}: {error}") from error
        found.append(np.array(read, np.int8).T)
        names += [f"{i}/{row}" for row in range(len(found[-1]))]
        splits += [of_split[shard]] * len(found[-1])
    return Files("parquet", str(place), names, np.array(splits, np.int8), np.concatenate(found), source.stamp())


def _split_of(shard: Path) -> str:
    names = {"train": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val", "test": "test"}
    for word in (re.split(r"[^a-z]", shard.stem.lower())[0], shard.parent.name.lower()):
        if word in names:
            return names[word]
    raise ValueError(f"{shard}: its name says no split; shards are named train-…, valid-…, test-….parquet")


def _first(place: Path, *names: str) -> Path | None:
    folders = (place, place / "Anno", place / "Eval")
    return next((folder / name for name in names for folder in folders if (folder / name).is_file()), None)


def _suggestion(root: Path) -> str:
    """The right folder level, where the given one is too high or too low."""
    markers = ("list_attr_celeba.txt", "list_attr_celeba.csv")
    for place in [root.parent, root.parent.parent, *sorted(root.glob("*/")), *sorted(root.glob("*/*/"))]:
        if place.name not in ("Anno", "Eval", "Img") and _first(place, *markers):
            return f"it lies in {place}: set data.root={place}"
    return ""
