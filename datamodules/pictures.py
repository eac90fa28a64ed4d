"""A data set of image files: listed with their labels, and decoded into a store by several processes."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from datamodules.building import SKIPPED, Chunks
from datamodules.console import say_once
from datamodules.contents import contents
from datamodules.loading import Loading
from datamodules.photos import OnCorrupt, OnMissing
from datamodules.sources import open_source
from datamodules.store import cache_directory
from datamodules.stored import StoredDataModule, runs
from datamodules.workers import run_jobs
from photos.squares import Crop

VERSION = 2  # of the decoding; raise it when a change alters any pixel
CHUNK = 500  # most images that a process decodes before it returns them
CHUNK_BYTES = 2**23  # most bytes of them: several chunks wait in memory


class PicturesDataModule(StoredDataModule):
    """Image files with labels.

    Args: as :class:`datamodules.stored.StoredDataModule`, and

        crop: how an image is cropped to a square: ``aif``, ``jacsup`` or ``none``
            (:func:`photos.squares.square`).
        limit: use only the first so many images of each split; all if None.
        on_corrupt: whether an image that can't be decoded is an error or left out.
        on_missing: whether a missing image is an error or left out.

    Raises:
        ValueError: a setting outside its range.
    """

    def __init__(
        self,
        name: str,
        known: Sequence[str],
        attributes: Sequence[str] | None,
        resolution: int,
        directory: Path,
        loading: Loading,
        crop: Crop,
        limit: int | None,
        on_corrupt: OnCorrupt,
        on_missing: OnMissing,
    ) -> None:
        super().__init__(name, known, attributes, resolution, 3, directory, loading)
        if limit is not None and limit < 1:
            raise ValueError(f"data.limit={limit}: it must be at least 1, or null for all")
        self.crop, self.limit, self.on_corrupt, self.on_missing = crop, limit, on_corrupt, on_missing
        self._contents: dict[str, np.ndarray] = {}

    @abstractmethod
    def source(self) -> tuple[str, str]:
        """Kind and path of the images' source, the arguments of :func:`datamodules.sources.open_source`."""

    @abstractmethod
    def pictures(self, split: str) -> tuple[list[str], np.ndarray]:
        """The names of a split's images in the source, and their labels ``[N, k]`` int8.

        Raises:
            ValueError: the split is empty, or an image is missing.
        """

    def missing(self) -> int:
        """Number of listed images that are missing and left out."""
        return 0

    def size(self, split: str) -> int:
        return len(self.pictures(split)[0])

    def contents(self, split: str) -> np.ndarray:
        """A number per image of a split that identifies its bytes, ``[N]`` (:func:`datamodules.contents.contents`)."""
        if split not in self._contents:
            names = self.pictures(split)[0]
            shown = partial(
                track,
                description=f"{self.name}: reading {split}",
                total=len(names),
                console=Console(stderr=True),
                transient=True,
            )
            place = cache_directory("contents")
            self._contents[split] = contents(open_source(*self.source()), names, place, shown)
        return self._contents[split]

    def describe(self, split: str) -> Mapping[str, Any]:
        """Describes the contents of the images, not their names or places: a moved copy has the same store."""
        labels = self.pictures(split)[1]
        return {
            "data": self.name,
            "images": hashlib.sha256(self.contents(split).tobytes()).hexdigest()[:16],
            "labels": hashlib.sha256(labels.tobytes()).hexdigest()[:16],
            "attributes": list(self.known),
            "split": split,
            "crop": self.crop,
            "resolution": self.resolution,
            "version": VERSION,
        }

    def make(self, split: str, done: np.ndarray) -> Chunks:
        """Decode the remaining images in parallel.

        Raises:
            ValueError: an image can't be decoded, and ``on_corrupt`` is not ``"skip"``.
        """
        names, labels = self.pictures(split)
        kind, path = self.source()
        remaining = runs(done, max(1, min(CHUNK, CHUNK_BYTES // (self.channels * self.resolution**2))))
        settings = {"crop": self.crop, "resolution": self.resolution, "channels": self.channels}
        source = {"kind": kind, "path": path, "on_corrupt": self.on_corrupt}
        jobs = [{"names": names[run.start : run.stop], **source, **settings} for run in remaining]
        decoded = run_jobs("datamodules.photos:decode_run", jobs, self.workers)
        for run, (images, good) in zip(remaining, decoded, strict=True):
            run_labels = labels[run.start : run.stop].copy()
            run_labels[~good] = SKIPPED
            yield run.start, images, run_labels

    def prepare_data(self) -> None:
        if missing := self.missing():
            say_once(f"{self.name}: {missing:,} of the listed images aren't there, and left out")
        super().prepare_data()
        test = self.contents("test")
        if len(duplicates := np.flatnonzero(np.isin(test, self.contents("train")) & (test >= 0))):
            first = self.pictures("test")[0][duplicates[0]]
            say_once(
                f"{self.name}: {len(duplicates):,} images of test are in train too, byte for byte; the first is {first}"
            )
