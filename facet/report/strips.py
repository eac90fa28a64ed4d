"""Strips of faces of a run: labelled pictures for slides, and bare strips that the page enlarges itself."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from facet.measures.drawn import read_examples
from facet.report import style
from facet.report.texts import drawn_symbols

Faces = NDArray[np.uint8]
FACE = 64
"""The least side of an enlarged face, in pixels."""


def labels(attribute: str) -> dict[str, str]:
    """What each strip of ``examples.npz`` shows, in order."""
    name = attribute.replace("_", " ")
    return {"original": "original", "reconstruction": "reconstruction", "off": f"{name} = 0", "on": f"{name} = 1"}


def read_strips(directory: Path) -> dict[str, Faces]:
    """The strips of a run's ``examples.npz``, ``[m, C, r, r]`` each; empty where there is no such file."""
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


def tiled(pictures: Faces, columns: int) -> Faces:
    """Grey pictures ``[N, 1, h, w]`` as one, row by row, dark on light."""
    n, _, height, width = pictures.shape
    rows = n // columns
    grid = pictures[: rows * columns, 0].reshape(rows, columns, height, width).transpose(0, 2, 1, 3)
    return 255 - grid.reshape(rows * height, columns * width)


def draw(lines: Sequence[tuple[str, Faces]], size: tuple[float, float]) -> Figure:
    """Strips below one another as a figure, ``size`` in inches; ``lines`` are (label, ``[m, C, r, r]``)."""
    figure = Figure(figsize=size)
    for ax, (label, faces) in zip(figure.subplots(len(lines), 1, squeeze=False)[:, 0], lines, strict=True):
        style.show_pixels(ax, np.asarray(strip(faces)), drawn_symbols(label))
    return figure


def panels(pictures: Sequence[tuple[str, Faces]], columns: int, size: tuple[float, float]) -> Figure:
    """Grey pictures below their titles, in columns; ``size`` in inches, ``pictures`` are (title, ``[h, w]``)."""
    figure = Figure(figsize=size)
    axes = figure.subplots(math.ceil(len(pictures) / columns), columns, squeeze=False).ravel()
    for ax in axes:
        ax.axis("off")
    for ax, (title, picture) in zip(axes, pictures, strict=False):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=255)
        ax.set_title(drawn_symbols(title))
    return figure


def there_and_back(steps: int) -> list[int]:
    """The steps of an animation that begins where it ends."""
    return [*range(steps), *range(steps - 2, 0, -1)]


def grid_png(strips: Mapping[str, Faces], title: str, attribute: str) -> bytes:
    """All strips below one another with a title and a label each, as PNG, enlarged without smoothing."""
    named = {label: strips[name] for name, label in labels(attribute).items() if name in strips}
    first = next(iter(named.values()))
    scale = factor(first)
    size = scale * first.shape[-1]
    margin, top = 28 + max(int(font(15).getlength(label)) for label in named), 44
    canvas = Image.new("RGB", (margin + len(first) * size + 12, top + len(named) * (size + 4) + 8), "white")
    draw = ImageDraw.Draw(canvas)
    draw.text((12, top // 2), title, fill="#1a1a1a", font=font(18), anchor="lm")
    for i, (label, faces) in enumerate(named.items()):
        row = strip(faces)
        y = top + i * (size + 4)
        canvas.paste(row.resize((scale * row.width, scale * row.height), Image.Resampling.NEAREST), (margin, y))
        draw.text((margin - 12, y + size // 2), label, fill="#444444", font=font(15), anchor="rm")
    return png(canvas)


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as it comes with matplotlib: the same on every machine."""
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def png(picture: Image.Image) -> bytes:
    """A picture as a file's content."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def webp(frames: list[Image.Image], milliseconds: int, **how: bool | int) -> bytes:
    """Frames as an animated WebP that goes on for ever."""
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0, **how)
    return buffer.getvalue()
