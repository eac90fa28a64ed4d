"""A trained model as an object that edits pictures: what :func:`facet.load` returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from facet.errors import UserError, nearest
from facet.judge import Judge
from facet.measures.edits import edited_together
from facet.measures.shown import VALUES
from facet.protocols import Editor, LabelsGiven
from photos.opening import opened
from photos.squares import Crop, square

Picture = Image.Image | str | Path
"""A picture, or the path of its file."""


@dataclass(frozen=True)
class PictureEditor:
    """Edits pictures by named attributes.

    Values of attributes are real numbers: 0 absent, 1 present. Beyond them an attribute is removed further, or
    amplified.

    Attributes:
        model: the method, in evaluation mode.
        resolution: side in pixels of the model's pictures.
        channels: 3 for colour, 1 for grey.
        crop: how a picture is cropped to a square (:func:`photos.squares.square`), as the training data were.
        follows: for each attribute, what other attributes become when it is taken away (first) or given (second). Blond
            hair isn't black.
        data: the data set that the model was trained on, such as ``celeba``.
        judge: the independent classifier that reads pictures; None if there is none.
        name: of the run.
    """

    model: Any
    resolution: int
    channels: int = 3
    crop: Crop = "none"
    follows: Mapping[str, Sequence[Mapping[str, bool]]] = field(default_factory=dict)
    data: str = ""
    judge: Judge | None = None
    name: str = ""

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that the model edits, in order."""
        return tuple(getattr(self.model, "attribute_names", ()))

    def edit(
        self, picture: Picture, values: Mapping[str, float] | None = None, /, *, labels: Labels = None, **more: float
    ) -> Image.Image:
        """The picture with some attributes set: ``editor.edit("me.jpg", Smiling=1)``.

        All other attributes keep the values that the model reads, except those that the new ones rule out.

        Args:
            picture: of any size; its central square is edited, or all of it if the model's data were not cropped.
            values: by attribute, for names that aren't Python's.
            labels: the picture's true attributes, for a method that predicts none; the judge's readings if None.
            more: values by attribute.

        Returns:
            The edited square, of the model's resolution.

        Raises:
            UserError: an unknown attribute, or labels are needed and can't be read.
        """
        return self.decode(*self.encode(picture, labels), {**(values or {}), **more})

    def reconstruct(self, picture: Picture, labels: Labels = None) -> Image.Image:
        """The picture as the model draws it without an edit. Arguments, result and errors as :meth:`edit`."""
        return self.decode(*self.encode(picture, labels))

    def strip(
        self, picture: Picture, attribute: str, values: Sequence[float] = VALUES, labels: Labels = None
    ) -> Image.Image:
        """Edits to a range of an attribute's values, side by side. Arguments and errors as :meth:`edit`."""
        code = self.encode(picture, labels)
        edits = [self.decode(*code, {attribute: value}) for value in values]
        strip = Image.new(edits[0].mode, (self.resolution * len(edits), self.resolution))
        for i, edit in enumerate(edits):
            strip.paste(edit, (i * self.resolution, 0))
        return strip

    def read(self, picture: Picture) -> dict[str, float]:
        """The judge's probability of every attribute, or class, that it knows.

        Raises:
            UserError: there is no judge.
        """
        if self.judge is None:
            raise UserError(f"{self.name or 'the model'} has no judge: judge the run with facet-evaluate")
        probabilities = self.judge.probabilities(self.tensor(picture))[0]
        return dict(zip(self.judge.attribute_names, probabilities.tolist(), strict=True))

    def encode(self, picture: Picture, labels: Labels = None) -> tuple[Tensor, Tensor]:
        """A picture's code: attributes ``[1, k]`` and the rest ``[1, …]``. Arguments and errors as :meth:`edit`."""
        images = self.tensor(picture)
        with torch.no_grad():
            if not isinstance(self.model, LabelsGiven):
                return self.editor.encode(images)
            return self.editor.encode(images, self._labels(images, labels))

    def decode(self, attributes: Tensor, rest: Tensor, values: Mapping[str, float] | None = None) -> Image.Image:
        """The picture of a code, with some attributes set to ``values``.

        Raises:
            UserError: an unknown attribute.
        """
        for name in values or {}:
            if name not in self.attributes:
                raise UserError(f"the model doesn't edit {name!r}; nearest: {nearest(name, self.attributes)}")
        with torch.no_grad():
            images = edited_together(self.editor, _Follows(self.follows), attributes, rest, values or {})
        return picture_of(images[0])

    @property
    def editor(self) -> Editor:
        """The model, of which attributes can be edited.

        Raises:
            UserError: its code has no named attributes.
        """
        if not isinstance(self.model, Editor):
            raise UserError(f"{self.name or 'the model'} has no named attributes to edit")
        return self.model

    def cut(self, picture: Picture) -> Image.Image:
        """What the model is given of a picture: a square of the model's resolution."""
        mode = "RGB" if self.channels == 3 else "L"
        whole = picture if isinstance(picture, Image.Image) else open_picture(picture)
        return Image.fromarray(square(whole.convert(mode), self.crop, self.resolution))

    def tensor(self, picture: Picture) -> Tensor:
        """:meth:`cut` as ``[1, C, r, r]`` in [0, 1], on the model's device."""
        pixels = np.asarray(self.cut(picture)).reshape(1, self.resolution, self.resolution, self.channels)
        device = next(self.model.parameters()).device
        return torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()).to(device).float() / 255

    def _labels(self, images: Tensor, labels: Labels) -> Tensor:
        if labels is None:
            if self.judge is None or not set(self.attributes) <= set(self.judge.attribute_names):
                raise UserError(f"{self.name or 'the model'} predicts no attributes: give the picture's own as labels")
            known = dict(zip(self.judge.attribute_names, (self.judge(images) > 0)[0].tolist(), strict=True))
        else:
            known = {name: bool(labels.get(name, False)) for name in self.attributes}
        return torch.tensor([[float(known[name]) for name in self.attributes]], device=images.device)


Labels = Mapping[str, float] | None


class _Follows:
    """What :func:`edited_together` asks of a data set."""

    def __init__(self, follows: Mapping[str, Sequence[Mapping[str, bool]]]) -> None:
        self.follows = follows

    def implied(self, name: str, value: bool) -> Mapping[str, bool]:
        return self.follows[name][value] if name in self.follows else {}


def picture_of(image: Tensor) -> Image.Image:
    """An image ``[C, H, W]`` in [0, 1] as a picture."""
    pixels = (image.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy().transpose(1, 2, 0)
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def open_picture(path: str | Path) -> Image.Image:
    """A picture file in colour, upright, in full size.

    Raises:
        UserError: it can't be read, or is no picture.
    """
    try:
        return opened(Path(path).read_bytes(), "RGB", frames=False)
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror or ' '.join(str(error).split())})") from error
    except Exception as error:  # Pillow raises errors of many types for a damaged file
        raise UserError(f"{path} can't be opened: {' '.join(str(error).split()) or type(error).__name__}") from error
