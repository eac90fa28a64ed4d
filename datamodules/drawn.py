"""What the drawn data sets share: sizes, stores, known factors and true counterfactuals."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np

from datamodules.attribute_tables import Table
from datamodules.building import Chunks
from datamodules.loading import Loading
from datamodules.splits import SPLITS
from datamodules.store import data_directory
from datamodules.stored import StoredDataModule, check_attributes, runs
from datamodules.workers import run_jobs

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 200  # images that a worker draws before it returns them


class Factors(Protocol):
    """The factors of one image."""

    def labels(self) -> np.ndarray:
        """Labels in the order of the table's names, ``[k]`` int8 in {0, 1}."""

    def changed(self, name: str, value: bool) -> Self:
        """The same factors with one attribute changed."""


F = TypeVar("F", bound=Factors)


class DrawnDataModule(StoredDataModule, Generic[F]):
    """A data set that is drawn from factors.

    Args:
        sizes: images of the train, validation and test split.
        images_per_identity: train images of each person; in validation and test each person has one.
        seed: of the data set.
        settings: strengths from 0 to 1 that the drawing takes, by name.

    Raises:
        ValueError: an unknown attribute, or a setting outside its range.
    """

    data: ClassVar[str]
    noun: ClassVar[str]  # one image of the data set, with its article
    worker: ClassVar[str]  # the function that draws a range of positions, as ``module:function``
    table: ClassVar[Table]

    def __init__(
        self,
        resolution: int,
        attributes: Sequence[str] | None,
        sizes: tuple[int, int, int],
        images_per_identity: int,
        seed: int,
        settings: Mapping[str, float],
        root: str | None,
        loading: Loading,
    ) -> None:
        directory = data_directory(self.data, root)
        super().__init__(self.data, self.table.names, attributes, resolution, 3, directory, loading)
        self.sizes = dict(zip(SPLITS, sizes, strict=True))
        named = {f"{split}_size": size for split, size in self.sizes.items()}
        for name, value in {**named, "images_per_identity": images_per_identity}.items():
            if value < 1:
                raise ValueError(f"data.{name}={value}: it must be at least 1")
        if seed < 0:
            raise ValueError(f"data.seed={seed}: it must not be negative")
        for name, strength in settings.items():
            if not 0 <= strength <= 1:
                raise ValueError(f"data.{name}={strength} is a strength: choose from 0 to 1")
        self.images_per_identity = {split: images_per_identity if split == "train" else 1 for split in SPLITS}
        self.settings: dict[str, Any] = {"seed": seed, **settings}

    # ------------------------------------------------------------------ what a data set says of itself

    @abstractmethod
    def versions(self) -> Mapping[str, Any]:
        """What the pixels depend on besides the settings, for the store's fingerprint."""

    @abstractmethod
    def draw(self, index: int, split: str) -> F:
        """The factors of an image that exists."""

    @abstractmethod
    def render(self, factors: F) -> np.ndarray:
        """An image from its factors, ``[3, r, r]`` uint8."""

    def settings_of(self, split: str) -> dict[str, Any]:
        """The settings with which a split is drawn."""
        return self.settings

    # ------------------------------------------------------------------ the stores

    def size(self, split: str) -> int:
        return self.sizes[split]

    def describe(self, split: str, flipped: str | None = None) -> Mapping[str, Any]:
        """The description of a split; ``flipped`` names an attribute that is inverted in every image, if any."""
        return {
            "data": self.data,
            "resolution": self.resolution,
            **self.settings_of(split),
            **self.versions(),
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
            **self.settings_of(split),
        }
        jobs = [{"start": run.start, "stop": run.stop, **settings} for run in remaining]
        drawn = run_jobs(self.worker, jobs, self.workers)
        for run, (images, labels) in zip(remaining, drawn, strict=True):
            yield run.start, images, labels

    @property
    def exclusive(self) -> dict[str, frozenset[str]]:
        """Attribute -> the other attributes of its group, which change with it."""
        groups = [self.table.members(group) for group in self.table.groups]
        return {name: group - {name} for group in groups for name in group}

    def implied(self, name: str, value: bool) -> dict[str, bool]:
        """Values of other attributes that follow from a value of this one in every face."""
        return self.table.implied(name, value)

    # ------------------------------------------------------------------ factors and counterfactuals

    def factors(self, index: int, split: str = "test") -> F:
        """The factors of an image: attributes, identity, pose, background.

        Raises:
            ValueError: the split or the position does not exist.
        """
        if split not in SPLITS:
            raise ValueError(f"no split {split!r}; there are {', '.join(SPLITS)}")
        if not 0 <= index < self.sizes[split]:
            raise ValueError(f"no image {index} in the {split} split: it has {self.sizes[split]}")
        return self.draw(index, split)

    def counterfactual(self, index: int, changes: Mapping[str, float], split: str = "test") -> Tensor:
        """The same face drawn again with attributes changed, ``[3, r, r]`` in [0, 1].

        Args:
            index: position in the split.
            changes: attribute -> 0 or 1.
            split: ``train``, ``val`` or ``test``.

        Raises:
            ValueError: an attribute is unknown, a value is neither 0 nor 1, two attributes exclude each other, or the
                image does not exist.
        """
        check_attributes(list(changes) or None, self.table.names, self.data)
        drawn = self.factors(index, split)
        for name, value in changes.items():
            if value not in (0, 1):
                raise ValueError(f"{name}={value}: {self.noun} can only be drawn with 0 or 1")
            drawn = drawn.changed(name, bool(value))
        labels = dict(zip(self.table.names, drawn.labels(), strict=True))
        if any(labels[name] != value for name, value in changes.items()):
            raise ValueError(f"{dict(changes)} can't hold at once for image {index}: some exclude each other")
        import torch

        return torch.from_numpy(self.render(drawn)).float() / 255

    def counterfactuals(self, name: str, split: str = "test") -> Tensor:
        """Every image of a split with one attribute inverted, ``[N, 3, r, r]`` uint8."""
        check_attributes([name], self.table.names, self.data)
        make = partial(self.make, split, flipped=name)
        import torch

        return torch.from_numpy(self.open(f"{split}-{name}", split, self.describe(split, name), make).images[:])
