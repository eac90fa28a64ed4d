"""Writes what an edit gives to look at: the edited photograph, before and after, strips of values, an animation."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from facet.editing.editor import PictureEditor
from facet.editing.photos import EditedFace
from facet.errors import UserError
from facet.files import atomic_write
from facet.measures.shown import VALUES

SIDE = 256  # pixels of a face in strips and animations, at least
HEIGHT = 640  # pixels of a photograph before and after, at most
FRAMES = 12  # of an animation, there; as many back


def write(
    folder: Path,
    editor: PictureEditor,
    photo: Image.Image,
    result: Image.Image,
    faces: Sequence[EditedFace],
    values: Mapping[str, float],
) -> Path:
    """Write all pictures of an edit into a folder of their own.

    ``edited.png`` in full size, ``before-after.png``, and for each face and attribute ``strip-….png`` and, for each
    face, ``edit.webp``, which moves from the unedited drawing to the edit and back.

    Returns:
        The path of ``edited.png``.

    Raises:
        UserError: the folder can't be written.
    """
    try:
        _save(folder / "edited.png", result)
        _save(folder / "before-after.png", beside(photo, result))
        for number, face in enumerate(faces, 1):
            of = f"-{number}" if len(faces) > 1 else ""
            code = editor.encode(face.before)
            start = dict(zip(editor.attributes, code[0][0].tolist(), strict=True))
            for name in values:
                strip = [editor.decode(*code, {name: value}) for value in VALUES]
                _save(folder / f"strip{of}-{name}.png", in_a_row(strip))
            shares = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, FRAMES))
            there = [
                editor.decode(*code, {name: start[name] + share * (values[name] - start[name]) for name in values})
                for share in shares.tolist()
            ]
            _animate(folder / f"edit{of}.webp", [*there, *reversed(there)])
    except OSError as error:
        raise UserError(f"out={folder.parent}: it can't be written ({error.strerror or error})") from error
    return folder / "edited.png"


def beside(one: Image.Image, other: Image.Image) -> Image.Image:
    """Two pictures of one size beside each other, made smaller to :data:`HEIGHT`."""
    share = min(1.0, HEIGHT / one.height)
    size = max(1, round(one.width * share)), max(1, round(one.height * share))
    both = Image.new("RGB", (2 * size[0] + 8, size[1]), "white")
    for i, picture in enumerate((one, other)):
        both.paste(picture.convert("RGB").resize(size, Image.Resampling.LANCZOS), (i * (size[0] + 8), 0))
    return both


def in_a_row(pictures: Sequence[Image.Image]) -> Image.Image:
    """Small square pictures side by side, enlarged."""
    large = [enlarged(picture) for picture in pictures]
    row = Image.new("RGB", (sum(each.width for each in large), large[0].height))
    for i, each in enumerate(large):
        row.paste(each, (i * each.width, 0))
    return row


def enlarged(picture: Image.Image) -> Image.Image:
    """A small square picture enlarged by a whole number, to :data:`SIDE` or less. Every pixel of it can be seen."""
    factor = max(1, SIDE // picture.width)
    return picture.convert("RGB").resize((factor * picture.width,) * 2, Image.Resampling.NEAREST)


def _animate(path: Path, frames: Sequence[Image.Image]) -> None:
    first, *others = (enlarged(frame) for frame in frames)
    buffer = io.BytesIO()
    first.save(buffer, format="WEBP", save_all=True, append_images=others, duration=60, loop=0, lossless=True)
    atomic_write(path, lambda file: file.write(buffer.getvalue()))


def _save(path: Path, picture: Image.Image) -> None:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    atomic_write(path, lambda file: file.write(buffer.getvalue()))
