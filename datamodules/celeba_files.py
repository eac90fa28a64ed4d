"""Finds CelebA below a directory, in any common form of it, and joins its images with their labels and splits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datamodules.celeba_shards import read_shards
from datamodules.celeba_tables import read_attributes, read_mapping, read_partition
from datamodules.photos import OnMissing
from datamodules.sources import open_source

BY_HAND = (
    "get img_align_celeba.zip, list_attr_celeba.txt and list_eval_partition.txt from "
    "the CelebA project page (mmlab.ie.cuhk.edu.hk/projects/CelebA.html), or the .csv files of its copy on Kaggle, "
    "put them into one directory, and set data.root to it"
)
TABLES = ("list_attr_celeba.txt", "list_attr_celeba.csv")
PARTITIONS = ("list_eval_partition.txt", "list_eval_partition.csv")
MASK_HQ = "CelebAMask-HQ-attribute-anno.txt"
MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
FOLDERS = (  # Kaggle's copy nests the directory in one of the same name; the project page also offers PNGs
    *("img_align_celeba/img_align_celeba", "img_align_celeba"),
    *("img_align_celeba_png/img_align_celeba_png", "img_align_celeba_png"),
)


@dataclass(frozen=True)
class Files:
    """A copy of CelebA, in the order of CelebA's files.

    Attributes:
        kind: kind of the images' source (:func:`datamodules.sources.open_source`).
        path: path of the source.
        names: names of the images in the source.
        splits: official split of each image, ``[N]``, as a position in :data:`datamodules.splits.SPLITS`.
        labels: ``[N, 40]`` int8, of :data:`datamodules.celeba_tables.ATTRIBUTES` in {0, 1}, -1 where unknown.
        missing: number of listed images that are missing and left out.
    """

    kind: str
    path: str
    names: list[str]
    splits: np.ndarray
    labels: np.ndarray
    missing: int = 0


def find(root: Path, on_missing: OnMissing = "fail") -> Files:
    """Find CelebA below a directory.

    Args:
        root: the directory.
        on_missing: whether images without labels, and labels without images, are an error or left out.

    Raises:
        ValueError: CelebA is missing, incomplete or damaged; the message says what to do.
    """
    if not root.is_dir():
        raise ValueError(f"data.root={root} is not a directory: {BY_HAND}")
    try:
        return _find(root, on_missing)
    except OSError as error:
        raise ValueError(f"{error.filename or root} can't be read: {error.strerror or error}") from error


def is_there(root: Path) -> bool:
    """Whether a directory looks like a copy of CelebA. Only names of files are read: :func:`find` may refuse it."""
    places = (root, root / "celeba")
    return any(_first(place, *TABLES, MASK_HQ) or any(place.glob("*.parquet")) for place in places) or any(
        root.glob("*/*.parquet")
    )


def _find(root: Path, on_missing: OnMissing) -> Files:
    for place in (root, root / "celeba"):
        if (attributes := _first(place, *TABLES)) is not None:
            partition = _first(place, *PARTITIONS)
            if partition is None:
                raise ValueError(f"{place} has {attributes.name} but no list_eval_partition.txt or .csv: {BY_HAND}")
            return _joined(*_images(place), attributes, partition, read_partition(partition), on_missing)
        if (place / MASK_HQ).is_file():
            return _joined(*_mask_hq(place), on_missing)
        if [*place.glob("*.parquet"), *place.glob("*/*.parquet")]:
            return Files("parquet", str(place), *read_shards(place))
    raise ValueError(f"no CelebA in {root}{_what_is_there(root)}: {_suggestion(root) or BY_HAND}")


def _joined(
    kind: str, path: Path, attributes: Path, partition: Path, splits: dict[str, int], on_missing: OnMissing
) -> Files:
    """Join images and lines by their names without suffixes: the lines name JPEGs, and the images may be PNGs."""
    rows = read_attributes(attributes, whole=on_missing == "fail")
    if missing := next((name for name in rows if name not in splits), None):
        raise ValueError(f"{partition} has no line for {missing}: download it again")
    images = _by_stem(path, open_source(kind, str(path)).names())
    listed = {_stem(name): name for name in rows}
    if on_missing == "fail":
        if extra := min((stem for stem in images if stem not in listed), default=None):
            lines = f"{len(rows):,} lines for {len(images):,} images, and none for {images[extra]}"
            raise ValueError(f"{attributes} has {lines}: data.on_missing=skip goes on with the images that have one")
        if lacking := [name for stem, name in listed.items() if stem not in images]:
            raise ValueError(
                f"{path} lacks {len(lacking):,} of the {len(rows):,} listed images, the first is {lacking[0]}: "
                "data.on_missing=skip goes on with those that are there"
            )
    stems = sorted((stem for stem in listed if stem in images), key=lambda stem: (len(stem), stem))
    if not stems:
        raise ValueError(f"{path} has not one of the {len(rows):,} images that {attributes} lists")
    order = [listed[stem] for stem in stems]
    return Files(
        kind=kind,
        path=str(path),
        names=[images[stem] for stem in stems],
        splits=np.array([splits[name] for name in order], np.int8),
        labels=np.stack([rows[name] for name in order]),
        missing=len(listed) - len(stems),
    )


def _by_stem(path: Path, names: Iterable[str]) -> dict[str, str]:
    by_stem: dict[str, str] = {}
    for name in names:
        if (other := by_stem.setdefault(_stem(name), name)) != name:
            raise ValueError(f"{path} has {other} and {name}: which one is meant?")
    return by_stem


def _stem(name: str) -> str:
    return name.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _images(place: Path) -> tuple[str, Path]:
    for folder in (place, place / "Img"):  # CelebA's own page has Anno/, Eval/ and Img/
        for below in FOLDERS:
            if (folder / below).is_dir():
                return "directory", folder / below
        if (folder / "img_align_celeba.zip").is_file():
            return "zip", folder / "img_align_celeba.zip"
    raise ValueError(
        f"{place} has neither img_align_celeba/ nor img_align_celeba.zip{_what_is_there(place)}: {BY_HAND}"
    )


def _mask_hq(place: Path) -> tuple[str, Path, Path, Path, dict[str, int]]:
    """CelebAMask-HQ. Its mapping says which image of CelebA each of its images is, and so its official split."""
    partition = _first(place, *PARTITIONS)
    for needed in (place / "CelebA-HQ-img", place / MAPPING, partition or place / PARTITIONS[0]):
        if not needed.exists():
            raise ValueError(
                f"{place} is CelebAMask-HQ without {needed.name}: its split is CelebA's by CelebA-HQ-img/, {MAPPING} "
                "(both come with it) and CelebA's list_eval_partition.txt: put them there"
            )
    assert partition is not None
    official = read_partition(partition)
    splits = {name: official[of] for name, of in read_mapping(place / MAPPING).items() if of in official}
    return "directory", place / "CelebA-HQ-img", place / MASK_HQ, place / MAPPING, splits


def _first(place: Path, *names: str) -> Path | None:
    folders = (place, place / "Anno", place / "Eval")
    return next((folder / name for name in names for folder in folders if (folder / name).is_file()), None)


def _what_is_there(place: Path) -> str:
    """Names files that look like CelebA's images but can't be used, for a message."""
    for folder in (place, place / "Img"):
        if packed := sorted([*folder.glob("*.7z*"), *folder.glob("*.tar*"), *folder.glob("*.rar")]):
            return f" ({packed[0].name} has to be unpacked)"
        if (folder / "img_celeba").is_dir():
            return " (img_celeba/ holds the pictures before they were aligned)"
    return ""


def _suggestion(root: Path) -> str:
    """Suggests the right directory where the given one is above or below it, for a message."""
    for place in [root.parent, root.parent.parent, *sorted(root.glob("*/")), *sorted(root.glob("*/*/"))]:
        if place.name not in ("Anno", "Eval", "Img") and _first(place, *TABLES, MASK_HQ):
            return f"it lies in {place}: set data.root={place}"
    return ""
