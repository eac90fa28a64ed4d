"""Grids of edited faces: labelled pictures for slides, and bare strips that the page enlarges itself."""

from __future__ import annotations

import io
import math
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from facet.report.examples import read_examples

Faces = NDArray[np.uint8]

FACE = 64
"""The least side of an enlarged face, in pixels."""


def labels(attribute: str) -> dict[str, str]:
    """What each strip of ``examples.npz`` shows, in the order of the grid."""
    return {
        "original": "original",
        "reconstruction": "reconstruction",
        "off": f"{attribute} = 0",
        "on": f"{attribute} = 1",
    }


def read_strips(directory: Path) -> dict[str, Faces]:
    """The strips of a run's ``examples.npz``, ``[m, 3, r, r]`` each; empty where there is no such file."""
    found = read_examples(directory, lambda name: name in labels(""))
    return {name: found[name] for name in labels("") if name in found}


def factor(faces: Faces) -> int:
    """By how much a face is enlarged: a whole number, so that every pixel stays a square."""
    return max(1, math.ceil(FACE / int(faces.shape[-1])))


def strip(faces: Faces) -> Image.Image:
    """Faces side by side, pixel for pixel."""
    m, channels, height, width = faces.shape
    pixels = faces.transpose(2, 0, 3, 1).reshape(height, m * width, channels)
    return Image.fromarray(np.repeat(pixels, 3, axis=2) if channels == 1 else pixels)


def strip_png(faces: Faces) -> bytes:
    """A strip as PNG."""
    return _png(strip(faces))


def grid_png(strips: dict[str, Faces], title: str, attribute: str) -> bytes:
    """All strips below one another with a title and a label each, as PNG, enlarged without smoothing."""
    names = [name for name in labels(attribute) if name in strips]
    first = strips[names[0]]
    scale = factor(first)
    size = scale * first.shape[-1]
    text = [labels(attribute)[name] for name in names]
    margin, top = 28 + max(int(font(15).getlength(label)) for label in text), 44
    canvas = Image.new("RGB", (margin + len(first) * size + 12, top + len(names) * (size + 4) + 8), "white")
    draw = ImageDraw.Draw(canvas)
    draw.text((12, top // 2), title, fill="#1a1a1a", font=font(18), anchor="lm")
    for i, (name, label) in enumerate(zip(names, text, strict=True)):
        row = strip(strips[name])
        row = row.resize((scale * row.width, scale * row.height), Image.Resampling.NEAREST)
        y = top + i * (size + 4)
        canvas.paste(row, (margin, y))
        draw.text((margin - 12, y + size // 2), label, fill="#444444", font=font(15), anchor="rm")
    return _png(canvas)


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as it comes with matplotlib: the same on every machine."""
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()
