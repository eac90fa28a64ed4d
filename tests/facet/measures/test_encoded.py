"""What editors are told of the images they are to edit: nothing, unless they predict no attributes."""

from __future__ import annotations

import torch
from torch import Tensor

from facet.measures.edits import encoded

IMAGES, LABELS = torch.rand(3, 1, 8, 8), torch.tensor([[1.0], [0.0], [1.0]])


class Predicting:
    attribute_names = ("Smiling",)

    def encode(self, images: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        assert attributes is None
        return images.mean(dim=(1, 2, 3), keepdim=True)[:, :, 0, 0], images

    def decode(self, attributes: Tensor, nuisance: Tensor) -> Tensor:
        return nuisance


class Told(Predicting):
    labels_given = True

    def encode(self, images: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        assert attributes is not None
        return attributes, images


def test_labels_are_given_to_those_who_predict_none_and_to_nobody_else() -> None:
    assert torch.equal(encoded(Told(), IMAGES, LABELS)[0], LABELS)
    assert not torch.equal(encoded(Predicting(), IMAGES, LABELS)[0], LABELS)
