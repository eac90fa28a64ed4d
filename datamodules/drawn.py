"""What the drawn data sets share: sizes, stores, known factors and true counterfactuals."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np

from datamodules.attribute_tables import Table
from datamodules.attributes import check_attributes
from datamodules.building import Chunks
from datamodules.loading import Loading
from datamodules.splits import SPLITS
from datamodules.store import data_directory, fingerprint
from datamodules.stored import StoredDataModule, runs
from datamodules.workers import run_jobs

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 200  # images that a worker draws before it returns them
LABEL_NOISE = 0xA015E  # of the random stream, which no identity shares


class Factors(Protocol):
    """The factors of one image."""

    def labels(self) -> np.ndarray:
        """Labels in the order of the table's names, ``[k]`` int8 in {0, 1}."""

    def changed(self, name: str, value: bool) -> Self:
        """The same factors with one attribute changed."""


@dataclass(frozen=True)
class Sampling:
    """How the attributes of a drawn data set are sampled: settings of :class:`DrawnDataModule`.

    Raises:
        ValueError: a setting outside its range.
    """

    seed: int = 0
    correlation: float = 0.0
    test_correlation: float | None = None
    rates: Mapping[str, float] | None = None
    label_noise: float = 0.0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"data.seed={self.seed}: it must not be negative")
        for name in ("correlation", "test_correlation"):
            if not 0 <= (strength := getattr(self, name) or 0) <= 1:
                raise ValueError(f"data.{name}={strength} is a strength: choose from 0 to 1")
        if not 0 <= self.label_noise < 0.5:
            raise ValueError(f"data.label_noise={self.label_noise} is a share of labels: choose from 0 to below 0.5")

    def of(self, split: str) -> dict[str, Any]:
        """What decides a split's factors. A setting that is not used is left out, so that older stores are found."""
        elsewhere = split == "test" and self.test_correlation is not None
        strength = self.test_correlation if elsewhere else self.correlation
        drawn = {"seed": self.seed, "correlation": float(strength or 0)}
        return drawn | ({"rates": {name: float(rate) for name, rate in self.rates.items()}} if self.rates else {})


F = TypeVar("F", bound=Factors)


class DrawnDataModule(StoredDataModule, Generic[F]):
    """A data set that is drawn from factors.

    Args: as :class:`datamodules.stored.StoredDataModule`, and ``sizes`` of the splits, the ``images_per_identity`` and
    how attributes are sampled. The settings of its data sets are

        train_size: images of the train split.
        val_size: images of the validation split.
        test_size: images of the test split.
        images_per_identity: train images of each person. In validation and test each person has one image, so that
            the images are independent. No person is in two splits.
        seed: of the data set.
        correlation: strength of a realistic dependence between attributes, 0 (independent) to 1.
        test_correlation: correlation in the test split; as in the others if None.
        rates: attribute -> positive rate, where it is not the data set's own.
        label_noise: share of the train and validation labels that are inverted. Test labels are true.
        root: directory of the packed stores; the data set's name in ``$FACET_DATA`` or in the user's cache directory if
            None.

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
        sampling: Sampling,
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
        self.images_per_identity = {split: images_per_identity if split == "train" else 1 for split in SPLITS}
        self.sampling = sampling
        self.table.with_rates(sampling.rates or {})  # refuses rates that can't be

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
        """The settings with which a split is drawn, as values that JSON can hold."""
        return self.sampling.of(split)

    @property
    def of_judge(self) -> Mapping[str, Any]:
        """The judge learns from true labels of attributes that go together as in the test split, or it would take one
        attribute for another."""
        found: dict[str, Any] = {"label_noise": 0.0} if self.sampling.label_noise else {}
        if self.sampling.test_correlation is not None:
            found |= {"correlation": self.sampling.test_correlation, "test_correlation": None}
        return found

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
    def fingerprint(self) -> str:
        """A hash that changes whenever an image, a label or a split changes. Stores hold true labels."""
        noise = {"label_noise": float(self.sampling.label_noise)} if self.sampling.label_noise else {}
        return fingerprint({split: dict(self.describe(split)) for split in SPLITS} | noise)

    def labels_of(self, split: str, names: Sequence[str]) -> Tensor:
        """Labels of any attributes ``[N, len(names)]`` float in {0, 1}; outside test some are inverted, if asked for.

        More noise inverts the same labels and others, whatever the choice of attributes.
        """
        import torch

        labels = super().labels_of(split, names)
        if split == "test" or not self.sampling.label_noise:
            return labels
        rng = np.random.default_rng([self.sampling.seed, SPLITS.index(split), LABEL_NOISE])
        wrong = rng.random((len(labels), len(self.known))) < self.sampling.label_noise
        return (labels - torch.from_numpy(wrong[:, [self.known.index(name) for name in names]]).float()).abs()

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
