"""What the workbench requires of methods and data sets: structural types, nothing to inherit.

A batch is a dict: ``image`` ``[B, C, H, W]`` in [0, 1], ``attributes`` ``[B, k]`` in {0, 1} with NaN where unknown,
``index`` ``[B]``, the position in the split. Attributes are on one public scale, 0 = absent, 1 = present.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

Batch = dict[str, Tensor]


@runtime_checkable
class Coder(Protocol):
    """A method with a code, on which probes, swaps and Jacobians are computed."""

    def codes(self, images: Tensor) -> Tensor:
        """Images ``[B, C, H, W]`` to codes ``[B, d]``; d is everything the decoder sees, flat."""

    def decode_codes(self, codes: Tensor) -> Tensor:
        """Codes ``[B, d]`` to images in [0, 1]."""


class StagedCoder(Coder, Protocol):
    """A method at the end of a training stage."""

    def decode(self, codes: Tensor) -> Tensor:
        """As ``decode_codes``, without clamping to [0, 1], so that it has a derivative everywhere."""


@runtime_checkable
class Staged(Protocol):
    """A method that is trained in stages, each with a code of its own size."""

    def at_stage(self, path: Path) -> StagedCoder:
        """The model at the end of a stage, from the stage's file; frozen, in evaluation mode, on the CPU."""


@runtime_checkable
class Classifier(Protocol):
    """A classifier of mutually exclusive classes."""

    def classify(self, images: Tensor) -> Tensor:
        """Images ``[B, C, H, W]`` in [0, 1] to classes ``[B]`` long."""


@runtime_checkable
class Classes(Protocol):
    """A data set whose images each belong to one class."""

    class_names: tuple[str, ...]

    def classes(self, split: str) -> Tensor:
        """The classes of a split's images, ``[N]`` long."""


@runtime_checkable
class Editor(Protocol):
    """A method with named attributes."""

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """The k attributes, in the order of the columns."""

    def encode(self, images: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Images to (attributes ``[B, k]``, nuisance ``[B, ...]``); methods that can't predict need ``attributes``."""

    def decode(self, attributes: Tensor, nuisance: Tensor) -> Tensor:
        """(attributes ``[B, k]``, nuisance) to images in [0, 1]."""


class EditorAtStage(Editor, Protocol):
    """An editor at the end of a training stage."""

    def open_parameters(self) -> int:
        """The number of open parameters, which are those that affect the output."""


@runtime_checkable
class StagedEditor(EditorAtStage, Protocol):
    """An editor that is trained in stages."""

    def at_stage(self, path: Path) -> EditorAtStage:
        """The model at the end of a stage, from the stage's file; frozen, in evaluation mode, on the same device."""


@runtime_checkable
class LabelsGiven(Protocol):
    """An editor that doesn't predict attributes: its ``encode`` needs them, NaN where unknown. Every page marks it."""

    labels_given: bool


@runtime_checkable
class TrainedBeside(Protocol):
    """A method some of whose networks serve training alone: codes and pictures are made without them."""

    training_parts: tuple[str, ...]
    """Their names, as attributes of the module. A module in which they are None encodes and decodes all the same."""


@runtime_checkable
class Predictor(Protocol):
    """A method that only predicts attributes."""

    attribute_names: tuple[str, ...]

    def predict(self, images: Tensor) -> Tensor:
        """Images ``[B, C, H, W]`` in [0, 1] to probabilities ``[B, k]``."""


@runtime_checkable
class Stochastic(Protocol):
    """A method whose training uses a sample of the nuisance code instead of its mean."""

    def sample_nuisance(self, images: Tensor) -> Tensor:
        """Images to a sampled nuisance code ``[B, ...]``."""


@runtime_checkable
class Data(Protocol):
    """A data module of images with attributes."""

    attribute_names: tuple[str, ...]
    resolution: int
    channels: int
    directory: Path

    @property
    def fingerprint(self) -> str:
        """Changes with anything that changes an image, a label or a split."""

    @property
    def exclusive(self) -> Mapping[str, frozenset[str]]:
        """For each attribute, the others that have to change with it (hair colours); empty if there are none."""

    def implied(self, name: str, value: bool) -> Mapping[str, bool]:
        """The values of other attributes that follow from a value (blond hair: not black); empty if none follow."""

    def prepare_data(self) -> None:
        """Make the stores that are missing."""

    def tensors(self, split: str) -> tuple[Tensor, Tensor]:
        """A split as (images ``[N, C, H, W]`` uint8, attributes ``[N, k]`` float, NaN = unknown)."""

    def labels_of(self, split: str, names: Sequence[str]) -> Tensor:
        """Labels of any attributes that the data set knows, ``[N, len(names)]`` float, NaN = unknown."""


class Rules(Protocol):
    """What other attributes have to change with one: :class:`Data` knows it."""

    def implied(self, name: str, value: bool) -> Mapping[str, bool]:
        """The values of other attributes that follow from a value."""


@runtime_checkable
class Counterfactuals(Protocol):
    """A data set that can show every image of a split with one attribute the other way round."""

    def counterfactuals(self, name: str, split: str = "test") -> Tensor:
        """The images of the split with the attribute inverted, ``[N, C, H, W]`` uint8."""


@runtime_checkable
class JudgedByOthers(Protocol):
    """A data set whose judge may learn from other data."""

    @property
    def of_judge(self) -> Mapping[str, Any]:
        """The settings by which those data differ from the data set; empty if they are its own."""
