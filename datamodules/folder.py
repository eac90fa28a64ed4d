"""``data=folder``: the user's own images, with a csv of labels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datamodules import tables
from datamodules.building import Chunks
from datamodules.loader import Residency
from datamodules.photos import Crop, OnCorrupt
from datamodules.pictures import VERSION, decoded
from datamodules.splits import SPLITS, hashed_split
from datamodules.store import cache_directory
from datamodules.stored import StoredDataModule

Record = tuple[str, list[int]]
SPLIT_NAMES = {**{split: split for split in SPLITS}, "valid": "val", "validation": "val"}


class FolderDataModule(StoredDataModule):
    """A directory of images that Pillow reads, of any size, and a csv.

    The csv's first column is the path below the directory, a column ``split`` says train, val or test where there is
    one (else a hash of the path decides, so that new files move no old one), and every other column is an attribute:
    0/1, -1/1, true/false, or empty where unknown.

    Args:
        root: the directory.
        labels: the csv, seen from the directory or from where the command runs.
        resolution: side in pixels.
        attributes: which columns the batches carry, in this order; all of them if None.
        store: where the packed stores go; the user's cache directory if None.
        crop: ``aif`` and ``jacsup`` take the central square, ``none`` keeps the whole picture
            (:func:`datamodules.photos.square`).
        limit: at most so many images of each split, the first; all if None.
        split_seed: deals files without a split anew.
        on_corrupt: whether an image that can't be decoded stops the build or is left out.
        batch_size: of a training step, over all processes together.
        workers: processes that decode; one per core if None.
        order_seed: of the order in which the train split is seen, and of its flips.
        flip: whether training flips every second image, at random.
        residency: where a split lies while it is used (:mod:`datamodules.loader`).

    Raises:
        ValueError: a missing directory or csv, a line that can't be used, an unknown attribute, a setting outside its
            range.
    """

    def __init__(
        self,
        root: str | None = None,
        labels: str = "labels.csv",
        resolution: int = 64,
        attributes: Sequence[str] | None = None,
        store: str | None = None,
        crop: Crop = "aif",
        limit: int | None = None,
        split_seed: int = 0,
        on_corrupt: OnCorrupt = "fail",
        batch_size: int = 64,
        workers: int | None = None,
        order_seed: int = 0,
        flip: bool = False,
        residency: Residency = "auto",
    ) -> None:
        if root is None or not Path(root).expanduser().is_dir():
            raise ValueError(f"data.root={root} is not a directory: set it to where your images are")
        if limit is not None and limit < 1:
            raise ValueError(f"data.limit={limit}: it must be at least 1, or null for all")
        self.root = Path(root).expanduser()
        places = (self.root / labels, Path(labels).expanduser())
        self.labels = next((place for place in places if place.is_file()), places[0])
        known, self.splits = read_labels(self.labels, split_seed)
        directory = Path(store).expanduser() if store else cache_directory("folder")
        super().__init__(
            *("folder", known, attributes, resolution, 3, directory, batch_size, workers, order_seed, flip),
            residency,
        )
        self.crop, self.limit, self.on_corrupt = crop, limit, on_corrupt

    def records(self, split: str) -> list[Record]:
        """(path, labels) of a split's images.

        Raises:
            ValueError: there are none.
        """
        if not self.splits[split]:
            raise ValueError(f"the {split} split is empty: no line of {self.labels} belongs to it")
        return self.splits[split][: self.limit]

    def size(self, split: str) -> int:
        return len(self.records(split))

    def describe(self, split: str) -> Mapping[str, Any]:
        digest = hashlib.sha256()
        for name, labels in self.records(split):
            try:
                stat = (self.root / name).stat()
            except OSError as error:
                raise ValueError(f"{self.labels} lists {name}, but {self.root} has no such file") from error
            digest.update(f"{name}\0{labels}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
        return {
            "data": "folder",
            "source": digest.hexdigest()[:16],
            "split": split,
            "crop": self.crop,
            "resolution": self.resolution,
            "attributes": list(self.known),
            "version": VERSION,
        }

    def make(self, split: str, done: np.ndarray) -> Chunks:
        """Decode, in parallel."""
        records = self.records(split)
        labels = np.array([labels for _, labels in records], np.int8).reshape(len(records), len(self.known))
        source = {"kind": "directory", "path": str(self.root), "channels": 3, "on_corrupt": self.on_corrupt}
        settings = {"crop": self.crop, "resolution": self.resolution}
        yield from decoded([name for name, _ in records], labels, done, self.workers, **source, **settings)


def read_labels(file: Path, split_seed: int) -> tuple[tuple[str, ...], dict[str, list[Record]]]:
    """The attributes of a csv, and its (path, labels) by split.

    Raises:
        ValueError: it is missing, or a line can't be used.
    """
    header, rows = tables.read_csv(file)
    path_column, *others = header
    names = tuple(name for name in others if name != "split")
    if not names:
        raise ValueError(f"{file} has no column of labels: after the path, every column is an attribute")
    splits: dict[str, list[Record]] = {split: [] for split in SPLITS}
    seen: set[str] = set()
    for number, row in rows:
        if None in row or any(value is None for value in row.values()):
            raise ValueError(f"{file}, line {number}: it has another number of columns than the header")
        path = row[path_column].strip().replace("\\", "/")
        tables.check_inside(path, f"{file}, line {number}")
        if not path or path in seen:
            raise ValueError(f"{file}, line {number}: {f'{path} is listed twice' if path else 'no path'}")
        seen.add(path)
        chosen = (row.get("split") or "").strip().lower()
        if chosen and chosen not in SPLIT_NAMES:
            raise ValueError(f"{file}, line {number}: split {chosen!r} is none of {', '.join(SPLITS)}")
        try:
            labels = tables.labels(names, [row[name] for name in names])
        except ValueError as error:
            raise ValueError(f"{file}, line {number}: {error}") from error
        splits[SPLIT_NAMES[chosen] if chosen else hashed_split(path, split_seed)].append((path, labels))
    return names, splits
