"""``data=avatars``: the embedded data set of drawn portraits with known factors and true counterfactuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from datamodules.attributes import check_attributes
from datamodules.avatar_drawing import render, versions
from datamodules.avatar_factors import ATTRIBUTES, GROUPS, Avatar, draw_avatar, implied
from datamodules.building import Chunks
from datamodules.loading import Loading
from datamodules.residency import Residency
from datamodules.splits import SPLITS
from datamodules.store import data_directory
from datamodules.stored import StoredDataModule, runs
from datamodules.workers import run_jobs

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 200  # images that a worker draws before it returns them


class AvatarsDataModule(StoredDataModule):
    """Avatars, with their true counterfactuals.

    Args: as :class:`datamodules.stored.StoredDataModule`, and

        train_size: images of the train split.
        val_size: images of the validation split.
        test_size: images of the test split.
        images_per_identity: train images of each person. In validation and test each person has one image, so that
            the images are independent. No person is in two splits.
        correlation: strength of a realistic dependence between attributes, 0 (independent) to 1.
        seed: of the data set.
        root: directory of the packed stores; ``$FACET_DATA/avatars`` or the user's cache directory if None.

    Raises:
        ValueError: an unknown attribute, or a setting outside its range.
    """

    def __init__(
        self,
        resolution: int = 64,
        attributes: Sequence[str] | None = None,
        train_size: int = 20_000,
        val_size: int = 2_000,
        test_size: int = 3_000,
        images_per_identity: int = 4,
        correlation: float = 0.0,
        seed: int = 0,
        root: str | None = None,
        batch_size: int = 64,
        workers: int | None = None,
        order_seed: int = 0,
        flip: bool | None = None,
        residency: Residency = "auto",
        images_per_epoch: int | None = None,
        balance: str | None = None,
    ) -> None:
        loading = Loading(batch_size, workers, order_seed, flip, residency, images_per_epoch, balance)
        super().__init__("avatars", ATTRIBUTES, attributes, resolution, 3, data_directory("avatars", root), loading)
        sizes = {"train_size": train_size, "val_size": val_size, "test_size": test_size}
        for name, value in {**sizes, "images_per_identity": images_per_identity}.items():
            if value < 1:
                raise ValueError(f"data.{name}={value}: it must be at least 1")
        if seed < 0:
            raise ValueError(f"data.seed={seed}: it must not be negative")
        if not 0 <= correlation <= 1:
            raise ValueError(f"data.correlation={correlation} is a strength: choose from 0 to 1")
        self.sizes = dict(zip(SPLITS, sizes.values(), strict=True))
        self.images_per_identity = {split: images_per_identity if split == "train" else 1 for split in SPLITS}
        self.settings: dict[str, Any] = {"seed": seed, "correlation": correlation}

    # ------------------------------------------------------------------ the stores

    def size(self, split: str) -> int:
        return self.sizes[split]

    def describe(self, split: str, flipped: str | None = None) -> Mapping[str, Any]:
        """The description of a split; ``flipped`` names an attribute that is inverted in every image, if any."""
        return {
            "data": "avatars",
            "resolution": self.resolution,
            **self.settings,
            **versions(),
            "images_per_identity": self.images_per_identity[split],
            "split": split,
            "size": self.sizes[split],
            "flipped": flipped,
        }

    def make(self, split: str, done: np.ndarray, flipped: str | None = None) -> Chunks:
        """Draw the remaining images in parallel."""
        remaining = runs(done, CHUNK)
        settings = {
            "split": split,
            "resolution": self.resolution,
            "changes": flipped,
            "images_per_identity": self.images_per_identity[split],
            **self.settings,
        }
        jobs = [{"start": run.start, "stop": run.stop, **settings} for run in remaining]
        drawn = run_jobs("datamodules.avatar_drawing:draw_run", jobs, self.workers)
        for run, (images, labels) in zip(remaining, drawn, strict=True):
            yield run.start, images, labels

    @property
    def exclusive(self) -> dict[str, frozenset[str]]:
        """Attribute -> the other attributes of its group, which change with it."""
        members = [{name for _, names in states.values() for name in names} for states in GROUPS.values()]
        return {name: frozenset(group - {name}) for group in members for name in group}

    def implied(self, name: str, value: bool) -> dict[str, bool]:
        """Values of other attributes that follow from a value of this one in every face."""
        return implied(name, value)

    # ------------------------------------------------------------------ factors and counterfactuals

    def factors(self, index: int, split: str = "test") -> Avatar:
        """The factors of an image: attributes, identity, pose, background.

        Raises:
            ValueError: the split or the position does not exist.
        """
        if split not in SPLITS:
            raise ValueError(f"no split {split!r}; there are {', '.join(SPLITS)}")
        if not 0 <= index < self.sizes[split]:
            raise ValueError(f"no image {index} in the {split} split: it has {self.sizes[split]}")
        people = self.images_per_identity[split]
        return draw_avatar(split=split, index=index, images_per_identity=people, **self.settings)

    def counterfactual(self, index: int, changes: Mapping[str, float], split: str = "test") -> Tensor:
        """The same avatar drawn again with attributes changed, ``[3, r, r]`` in [0, 1].

        Args:
            index: position in the split.
            changes: attribute -> 0 or 1.
            split: ``train``, ``val`` or ``test``.

        Raises:
            ValueError: an attribute is unknown, a value is neither 0 nor 1, two attributes exclude each other, or the
                image does not exist.
        """
        check_attributes(list(changes) or None, ATTRIBUTES, "avatars")
        avatar = self.factors(index, split)
        for name, value in changes.items():
            if value not in (0, 1):
                raise ValueError(f"{name}={value}: an avatar can only be drawn with 0 or 1")
            avatar = avatar.changed(name, bool(value))
        labels = dict(zip(ATTRIBUTES, avatar.labels(), strict=True))
        if any(labels[name] != value for name, value in changes.items()):
            raise ValueError(f"{dict(changes)} can't hold at once for image {index}: some exclude each other")
        import torch

        return torch.from_numpy(render(avatar, self.resolution)).float() / 255

    def counterfactuals(self, name: str, split: str = "test") -> Tensor:
        """Every image of a split with one attribute inverted, ``[N, 3, r, r]`` uint8."""
        check_attributes([name], ATTRIBUTES, "avatars")
        make = partial(self.make, split, flipped=name)
        import torch

        return torch.from_numpy(self.open(f"{split}-{name}", split, self.describe(split, name), make).images[:])
