"""``data=avatars``: the embedded data set. Portraits with known factors, drawn offline, and their counterfactuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from datamodules.avatar_drawing import render, versions
from datamodules.avatar_factors import ATTRIBUTES, GROUPS, Avatar, draw_avatar, implied
from datamodules.building import Chunks
from datamodules.residency import Residency
from datamodules.splits import SPLITS
from datamodules.store import data_directory
from datamodules.stored import StoredDataModule, check_attributes, runs
from datamodules.workers import run_jobs

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 200  # images a worker draws before it reports


class AvatarsDataModule(StoredDataModule):
    """Avatars as batches, with their true counterfactuals.

    Args:
        resolution: side in pixels.
        attributes: which of :data:`ATTRIBUTES` the batches carry, in this order; all of them if None.
        train_size: images of the train split.
        val_size: images of the validation split.
        test_size: images of the test split.
        images_per_identity: train images that show one person. Validation and test show everybody once, so that their
            images are independent; no person is in two splits.
        correlation: strength of a realistic dependence between attributes, 0 (independent) to 1.
        seed: of the data set.
        root: where the packed store lies; ``$FACET_DATA/avatars`` or the user's cache directory if None.
        batch_size: of a training step, over all processes together.
        workers: processes that draw; one per core if None.
        order_seed: of the order in which the train split is seen, and of its flips.
        flip: whether training flips every second image, at random.
        residency: where a split lies while it is used (:mod:`datamodules.loader`).

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
        flip: bool = False,
        residency: Residency = "auto",
    ) -> None:
        directory = data_directory("avatars", root)
        super().__init__(
            *("avatars", ATTRIBUTES, attributes, resolution, 3, directory),
            *(batch_size, workers, order_seed, flip, residency),
        )
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
        """``flipped``: an attribute that is the other way round in every image, or None."""
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
        """Draw, in parallel."""
        todo = runs(done, CHUNK)
        settings = {
            "split": split,
            "resolution": self.resolution,
            "changes": flipped,
            "images_per_identity": self.images_per_identity[split],
            **self.settings,
        }
        jobs = [{"start": run.start, "stop": run.stop, **settings} for run in todo]
        drawn = run_jobs("datamodules.avatar_drawing:draw_run", jobs, self.workers)
        for run, (images, labels) in zip(todo, drawn, strict=True):
            yield run.start, images, labels

    @property
    def exclusive(self) -> dict[str, frozenset[str]]:
        """Attribute -> the others that change with it, because they belong to one group."""
        members = [{name for _, names in states.values() for name in names} for states in GROUPS.values()]
        return {name: frozenset(group - {name}) for group in members for name in group}

    def implied(self, name: str, value: bool) -> dict[str, bool]:
        """What is so of other attributes in every face where this one is as said."""
        return implied(name, value)

    # ------------------------------------------------------------------ what no other data set has

    def factors(self, index: int, split: str = "test") -> Avatar:
        """The factors of an image: attributes, identity, pose, background.

        Raises:
            ValueError: no such split, or no such position in it.
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
            ValueError: an unknown attribute, a value other than 0 or 1, attributes that exclude each other, or no such
                image.
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
        """Every image of a split with one attribute the other way round, ``[N, 3, r, r]`` uint8."""
        check_attributes([name], ATTRIBUTES, "avatars")
        made = partial(self.make, split, flipped=name)
        import torch

        return torch.from_numpy(self.open(f"{split}-{name}", split, self.describe(split, name), made).images[:])
