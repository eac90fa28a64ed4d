"""Image files as a data set: listed with their labels, decoded by several processes into a store."""

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
from datamodules.photos import Crop, OnCorrupt, OnMissing
from datamodules.residency import Residency
from datamodules.sources import open_source
from datamodules.store import cache_directory
from datamodules.stored import StoredDataModule, runs
from datamodules.workers import run_jobs

VERSION = 2  # of the decoding: changes with anything that changes a pixel
CHUNK = 500  # images at most that a process decodes before it reports
CHUNK_BYTES = 2**23  # and bytes: several chunks wait in memory


class PicturesDataModule(StoredDataModule):
    """Image files with labels.

    Args: as :class:`datamodules.stored.StoredDataModule`, and

        crop: how a picture becomes a square (:func:`datamodules.photos.square`).
        limit: at most so many images of each split, the first; all if None.
        on_corrupt: whether an image that can't be decoded stops the build or is left out.
        on_missing: whether a listed image that isn't there is an error or left out.

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
        batch_size: int,
        workers: int | None,
        order_seed: int,
        flip: bool,
        residency: Residency,
        crop: Crop,
        limit: int | None,
        on_corrupt: OnCorrupt,
        on_missing: OnMissing,
    ) -> None:
        super().__init__(
            name, known, attributes, resolution, 3, directory, batch_size, workers, order_seed, flip, residency
        )
        if limit is not None and limit < 1:
            raise ValueError(f"data.limit={limit}: it must be at least 1, or null for all")
        self.crop, self.limit, self.on_corrupt, self.on_missing = crop, limit, on_corrupt, on_missing
        self._contents: dict[str, np.ndarray] = {}

    @abstractmethod
    def source(self) -> tuple[str, str]:
        """Kind and path, as :func:`datamodules.sources.open_source` takes them."""

    @abstractmethod
    def pictures(self, split: str) -> tuple[list[str], np.ndarray]:
        """A split's images by their names in the source, and their labels ``[N, k]`` int8.

        Raises:
            ValueError: there are none, or one is missing.
        """

    def missing(self) -> int:
        """How many of the listed images aren't there, and left out."""
        return 0

    def size(self, split: str) -> int:
        return len(self.pictures(split)[0])

    def contents(self, split: str) -> np.ndarray:
        """What is in a split's images, ``[N]``: :func:`datamodules.contents.contents`."""
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
        """What is in the images, never where they lie or what they are called."""
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
        """Decode what is not done, in parallel.

        Raises:
            ValueError: an image that can't be decoded, unless ``on_corrupt="skip"`` leaves it out.
        """
        names, labels = self.pictures(split)
        kind, path = self.source()
        todo = runs(done, max(1, min(CHUNK, CHUNK_BYTES // (self.channels * self.resolution**2))))
        settings = {"crop": self.crop, "resolution": self.resolution, "channels": self.channels}
        source = {"kind": kind, "path": path, "on_corrupt": self.on_corrupt}
        jobs = [{"names": names[run.start : run.stop], **source, **settings} for run in todo]
        made = run_jobs("datamodules.photos:decode_run", jobs, self.workers)
        for run, (images, good) in zip(todo, made, strict=True):
            some = labels[run.start : run.stop].copy()
            some[~good] = SKIPPED
            yield run.start, images, some

    def prepare_data(self) -> None:
        if missing := self.missing():
            say_once(f"{self.name}: {missing:,} of the listed images aren't there, and left out")
        super().prepare_data()
        found = self.contents("test")
        if len(twice := np.flatnonzero(np.isin(found, self.contents("train")) & (found >= 0))):
            first = self.pictures("test")[0][twice[0]]
            say_once(
                f"{self.name}: {len(twice):,} images of test are in train too, byte for byte; the first is {first}"
            )
