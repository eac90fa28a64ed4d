"""Columns of the demo whose models are exact: attributes and units of a code are single pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from known_editors import Perfect, Reader
from PIL import Image
from torch import Tensor

from facet.demonstration.columns import Column, Control, units
from facet.editing.editor import PictureEditor


class Pixels:
    """A code of two pixels of a grey picture; all others have the grey level of pixel (5, 5)."""

    def parameters(self) -> Any:
        return iter([torch.zeros(1)])

    def codes(self, images: Tensor) -> Tensor:
        return torch.cat([images[:, 0, 0, :2], images[:, 0, 5, 5:6]], 1)

    def decode_codes(self, codes: Tensor) -> Tensor:
        images = codes[:, 2:, None, None].expand(-1, 1, 16, 16).clone()
        images[:, 0, 0, :2] = codes[:, :2]
        return images.clamp(0, 1)


def column(source: str = "runs/a", examples: Sequence[Image.Image] = (), **editor: Any) -> Column:
    """A model of attributes A and B, with a judge."""
    model = Perfect()
    model.parameters = Pixels().parameters  # type: ignore[attr-defined]
    known = {"model": model, "resolution": 16, "judge": Reader(), "name": "perfect", "data": "dots"}
    made = PictureEditor(**{**known, **editor})
    return Column(made, source, "perfect", (Control("A"), Control("B")), tuple(examples))


def code() -> Column:
    """A model of grey pictures without attributes and without a judge."""
    editor = PictureEditor(Pixels(), 16, channels=1, name="pixels")
    return Column(editor, "runs/code", "pixels", (Control("unit 1"), Control("unit 2")))


class Given(Pixels):
    """A model whose codes are given."""

    def __init__(self, given: Tensor | None) -> None:
        self.given = torch.zeros(1, 2) if given is None else given

    def codes(self, images: Tensor) -> Tensor:
        return self.given


def digits(codes: Tensor | None) -> tuple[Control, ...]:
    """The sliders of a model whose pictures have these codes; None if there are no pictures."""
    images = None if codes is None else torch.zeros(len(codes), 1, 16, 16, dtype=torch.uint8)
    return units(PictureEditor(Given(codes), 16, channels=1), images)
