"""``data=celeba``: CelebA's 202,599 aligned faces with 40 attributes, read from the user's copy."""

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
from datamodules.loading import Loading
from datamodules.photos import OnCorrupt, OnMissing
from datamodules.pictures import PicturesDataModule
from datamodules.residency import Residency
from datamodules.splits import SPLITS
from datamodules.store import data_directory, store_directory
from photos.squares import Crop

AUTHORS_TEST = 100  # AIF's authors test on the first so many files


class CelebADataModule(PicturesDataModule):
    """CelebA.

    Args: as :class:`datamodules.pictures.PicturesDataModule`, and

        root: the user's copy, in any form that :mod:`datamodules.celeba_files` reads; ``$FACET_DATA/celeba`` or the
            user's cache directory if None.
        store: directory of the packed stores; the user's cache directory if None.
        split: ``official``, or ``authors``: AIF's authors test on the first 100 files and train on all others
            (``docs/fidelity.md``, "The split"). Validation then uses the official validation images without those
            100; they are trained on as well.
        download: whether torchvision downloads CelebA where it is missing.
        on_missing: whether images without labels, and labels without images, are an error or left out.

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
        flip: bool | None = None,
        residency: Residency = "auto",
        images_per_epoch: int | None = None,
    ) -> None:
        super().__init__(
            "celeba",
            ATTRIBUTES,
            attributes,
            resolution,
            store_directory("celeba", store),
            Loading(batch_size, workers, order_seed, flip, residency, images_per_epoch),
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
            ValueError: the copy can't be used.
        """
        if self.download:
            try:
                return celeba_files.find(self.root, self.on_missing)
            except ValueError:  # missing or incomplete
                _download(self.root)
        return celeba_files.find(self.root, self.on_missing)

    def positions(self, split: str) -> np.ndarray:
        """Positions in the copy of the images of a split, ``[N]``.

        Raises:
            ValueError: the split is empty.
        """
        official = np.flatnonzero(self.files.splits == SPLITS.index(split))
        if self.split == "official":
            positions = official
        elif split == "test":
            positions = np.arange(min(AUTHORS_TEST, len(self.files.names)))
        else:
            positions = np.arange(len(self.files.names)) if split == "train" else official
            positions = positions[positions >= AUTHORS_TEST]
        if not len(positions):
            raise ValueError(f"the {split} split is empty: {self.root} has no image of it")
        return positions[: self.limit]

    def looked_for(self) -> tuple[Path, bool]:
        return self.root, celeba_files.is_there(self.root)

    def source(self) -> tuple[str, str]:
        return self.files.kind, self.files.path

    def pictures(self, split: str) -> tuple[list[str], np.ndarray]:
        chosen = self.positions(split)
        return [self.files.names[i] for i in chosen], self.files.labels[chosen]

    def missing(self) -> int:
        return self.files.missing


def _download(root: Path) -> None:
    """Download CelebA by torchvision.

    Raises:
        ValueError: the download failed; the message says how to get the files by hand.
    """
    from torchvision.datasets import CelebA

    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".download.lock"):  # a second process waits, and finds the files
            CelebA(str(root), split="all", download=True)
    except Exception as error:  # torchvision raises errors of many types
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"torchvision could not download CelebA ({reason}): {BY_HAND}") from error
