"""Images whose attributes are pixels, a judge that reads these, and an editor that knows how they are made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from facet.judge import Judge


class Dots:
    """Images whose pixel (0, 0) is attribute A, (0, 1) attribute B, and the rest one of many grey levels."""

    attribute_names = ("A", "B")
    resolution, channels, fingerprint = 16, 3, "dots"
    directory = Path()
    exclusive: dict[str, frozenset[str]] = {}  # noqa: RUF012

    def implied(self, name: str, value: bool) -> dict[str, bool]:
        return {}

    def prepare_data(self) -> None: ...

    def tensors(self, split: str) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(1)
        labels = torch.randint(0, 2, (400, 2), generator=generator).float()
        grey = torch.randint(0, 256, (400, 1, 1, 1), generator=generator, dtype=torch.uint8)
        images = grey.expand(400, 3, 16, 16).clone()
        images[:, :, 0, :2] = (labels * 255).byte()[:, None]
        return images, labels

    def labels_of(self, split: str, names: Sequence[str]) -> Tensor:
        return self.tensors(split)[1][:, [self.attribute_names.index(name) for name in names]]

    def counterfactuals(self, name: str, split: str = "test") -> Tensor:
        images = self.tensors(split)[0]
        column = self.attribute_names.index(name)
        images[:, :, 0, column] = 255 - images[:, :, 0, column]
        return images


class Reader(Judge):
    """A judge that reads the two pixels."""

    def __init__(self) -> None:
        super().__init__(("A", "B"), 16)

    def forward(self, images: Tensor) -> Tensor:
        return images[:, 0, 0, :2] - 0.5

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = torch.stack([torch.ones(len(images)), images[:, 0, 5, 5]], 1)  # the grey level: who it is
        return self.read(images), features


class Perfect:
    """Knows how the images are made."""

    attribute_names = ("A", "B")

    def encode(self, images: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        read = images[:, 0, 0, :2] if attributes is None else attributes
        return read, self.nuisance(images)

    def nuisance(self, images: Tensor) -> Tensor:
        return images[:, 0, 5, 5:6]

    def decode(self, attributes: Tensor, nuisance: Tensor) -> Tensor:
        images = nuisance[:, :1, None, None].expand(-1, 3, 16, 16).clone()
        images[:, :, 0, :2] = attributes[:, None]
        return images
