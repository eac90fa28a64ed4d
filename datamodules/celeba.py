"""``data=celeba``: 202,599 aligned faces with 40 attributes, from whatever copy the user has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from filelock import FileLock

from datamodules import celeba_files
from datamodules.celeba_files import BY_HAND
from datamodules.celeba_tables import ATTRIBUTES
from datamodules.photos import Crop, OnCorrupt, OnMissing
from datamodules.pictures import PicturesDataModule
from datamodules.residency import Residency
from datamodules.splits import SPLITS
from datamodules.store import data_directory, store_directory

AUTHORS_TEST = 100  # files that AIF's authors test on: the first


class CelebADataModule(PicturesDataModule):
    """CelebA.

    Args:
        resolution: side in pixels.
        attributes: which of the 40 the batches carry, in this order; all of them if None.
        root: the user's copy (:mod:`datamodules.celeba_files` says in which forms); ``$FACET_DATA/celeba`` or the
            user's cache directory if None.
        store: where the packed stores go; the user's cache directory if None.
        split: ``official``, or ``authors``: AIF's authors test on the first 100 files and train on all others
            (``docs/fidelity.md``, "The split"); validation is then the official one without those, and is seen in
            training.
        crop: ``aif``, ``jacsup`` or ``none`` (:func:`datamodules.photos.square`).
        limit: at most so many images of each split, the first; all if None.
        download: let torchvision download it.
        on_corrupt: whether an image that can't be decoded stops the build or is left out.
        on_missing: whether images without labels, and labels without images, are an error or left out.
        batch_size: of a training step, over all processes together.
        workers: processes that decode; one per core if None.
        order_seed: of the order in which the train split is seen, and of its flips.
        flip: whether training flips every second image, at random.
        residency: where a split lies while it is used (:mod:`datamodules.loader`).

    Raises:
        ValueError: an unknown attribute, a setting outside its range, or a copy that can't be used.
    """

    def __init__(
        self,
        resolution: int = 64,
        attributes: Sequence[str] | None = None,
        root: str | None = None,
        store: str | None = None,
        split: Literal["official", "authors"] = "official",
        crop: Crop = "aif",
        limit: int | None = None,
        download: bool = False,
        on_corrupt: OnCorrupt = "fail",
        on_missing: OnMissing = "fail",
        batch_size: int = 64,
        workers: int | None = None,
        order_seed: int = 0,
        flip: bool = False,
        residency: Residency = "auto",
    ) -> None:
        super().__init__(
            *("celeba", ATTRIBUTES, attributes, resolution, store_directory("celeba", store), batch_size, workers),
            *(order_seed, flip, residency),
            crop=crop,
            limit=limit,
            on_corrupt=on_corrupt,
            on_missing=on_missing,
        )
        self.root, self.split, self.download = data_directory("celeba", root), split, download

    @cached_property
    def files(self) -> celeba_files.Files:
        """The user's copy.

        Raises:
            ValueError: it can't be used.
        """
        if self.download:
            try:
                return celeba_files.find(self.root, self.on_missing)
            except ValueError:  # incomplete at least
                _download(self.root)
        return celeba_files.find(self.root, self.on_missing)

    def positions(self, split: str) -> np.ndarray:
        """Which of the copy's images belong to a split, ``[N]``.

        Raises:
            ValueError: there are none.
        """
        official = np.flatnonzero(self.files.splits == SPLITS.index(split))
        if self.split == "official":
            found = official
        elif split == "test":
            found = np.arange(min(AUTHORS_TEST, len(self.files.names)))
        else:
            found = np.arange(len(self.files.names)) if split == "train" else official
            found = found[found >= AUTHORS_TEST]
        if not len(found):
            raise ValueError(f"the {split} split is empty: {self.root} has no image of it")
        return found[: self.limit]

    def source(self) -> tuple[str, str]:
        return self.files.kind, self.files.path

    def pictures(self, split: str) -> tuple[list[str], np.ndarray]:
        chosen = self.positions(split)
        return [self.files.names[i] for i in chosen], self.files.labels[chosen]

    def missing(self) -> int:
        return self.files.missing


def _download(root: Path) -> None:
    """Let torchvision try.

    Raises:
        ValueError: it failed; what to do by hand.
    """
    from torchvision.datasets import CelebA

    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".download.lock"):  # the second of two processes finds it there
            CelebA(str(root), split="all", download=True)
    except Exception as error:  # it raises whatever the server and its own checks come up with
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"torchvision could not download CelebA ({reason}): {BY_HAND}") from error
