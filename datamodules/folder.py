"""``data=folder``: the user's own images, with a csv file of labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from datamodules.console import say_once
from datamodules.folder_files import present
from datamodules.folder_labels import Record, read_labels
from datamodules.loading import Loading
from datamodules.photos import OnCorrupt, OnMissing
from datamodules.pictures import PicturesDataModule
from datamodules.residency import Residency
from datamodules.store import data_directory, store_directory
from photos.squares import Crop


class FolderDataModule(PicturesDataModule):
    """A directory of images of any size and of any format that is read, and a csv file.

    The first column of the csv file is the path of an image below the directory. The column ``split``, if there is
    one, names its split: train, val or test. Otherwise a hash of the path chooses the split, so that adding files
    moves no other file. Every other column that holds labels is an attribute: 0/1, -1/1, true/false, or empty where
    unknown.

    Args: as :class:`datamodules.pictures.PicturesDataModule`, and

        root: the directory.
        labels: the csv file, relative to ``root`` or to the working directory.
        store: directory of the packed stores; the user's cache directory if None.
        split_seed: seed of the hash that chooses the split of files without one.

    Raises:
        ValueError: the directory or the csv file is missing, a line of it can't be used, an attribute is unknown, or a
            setting is outside its range.
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
        on_missing: OnMissing = "fail",
        batch_size: int = 64,
        workers: int | None = None,
        order_seed: int = 0,
        flip: bool | None = None,
        residency: Residency = "auto",
        images_per_epoch: int | None = None,
    ) -> None:
        self.root = data_directory("folder", root)
        if root is None or not self.root.is_dir():
            raise ValueError(f"data.root={root} is not a directory: set it to where your images are")
        if not labels.strip():
            raise ValueError("data.labels= is empty: set it to a csv of labels, or leave it out")
        places = (self.root / labels, Path(labels).expanduser())
        self.file = next((place for place in places if place.is_file()), places[0])
        self.labels = read_labels(self.file, self.root, split_seed, attributes)
        super().__init__(
            "folder",
            self.labels.names,
            attributes,
            resolution,
            store_directory("folder", store),
            Loading(batch_size, workers, order_seed, flip, residency, images_per_epoch),
            crop=crop,
            limit=limit,
            on_corrupt=on_corrupt,
            on_missing=on_missing,
        )

    @cached_property
    def found(self) -> tuple[dict[str, list[Record]], int]:
        """The listed images that exist, by split, and the number of those that don't."""
        return present(self.root, self.labels.splits, self.limit, self.on_missing, self.file)

    def source(self) -> tuple[str, str]:
        return "directory", str(self.root)

    def missing(self) -> int:
        return self.found[1]

    def pictures(self, split: str) -> tuple[list[str], np.ndarray]:
        records = self.found[0][split]
        if not records:
            raise ValueError(
                f"the {split} split is empty: no line of {self.file} belongs to it: a column named split says which do"
            )
        labels = np.array([labels for _, labels in records], np.int8).reshape(len(records), len(self.known))
        return [name for name, _ in records], labels

    def prepare_data(self) -> None:
        if self.labels.faults:
            names, why = ", ".join(self.labels.faults), next(iter(self.labels.faults.values()))
            say_once(f"{self.file}: {names}: no labels, and left out ({why})")
        super().prepare_data()
