"""Faces at continuous values of attributes: one attribute at a time, moving, two at once, or another face's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from PIL import Image, ImageDraw

from facet.errors import check_known
from facet.measures.drawn import read_examples
from facet.measures.shown import SHARES, TOGETHER, VALUES
from facet.report import strips, style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.strips import Faces
from facet.report.texts import drawn_symbols

FRAME = 110  # milliseconds
COLUMNS, SIDE, HEAD = 5, 96, 34  # of the animation: attributes side by side, pixels of a face, and of what is above it


def render(page: Context, shows: str, rows: Sequence[str] | str = "several") -> list[Block]:
    """A figure of every row's first run.

    Args:
        shows: ``values`` (a face, a line per attribute, a column per value), ``sliders`` (the same of several faces,
            moving), ``together`` (two attributes), or ``between`` (faces on the way to the next one's attributes).
        rows: which.
    """
    check_known(shows, _SHOWS, f"{page.page.name}: shows={shows}")
    array, make = _SHOWS[shows]
    made: list[Block] = []
    for row, result, title in page.firsts(rows):
        names = [name.replace("_", " ") for name in result.attribute_names]
        found = read_examples(result.directory, lambda name: name in ("varied", array))
        if array in found and len(found.get("varied", ())) == len(names):
            drawn = make(found[array], names) if make is _sliders else partial(make, found[array], names)
            made.append(Figure(f"{row.key}-{shows}", drawn, f"{row.title}: {shows}", title))
    return made


def _values(varied: Faces, names: Sequence[str]) -> Drawing:
    """Of ``[k, faces, values, C, r, r]`` the first face, a line per attribute, a column per value."""
    lines = list(zip(names, varied[:, 0], strict=True))
    figure = strips.draw(lines, (1.9 + 0.8 * len(VALUES), 0.82 * len(names) + 0.3))
    _above(figure.axes[0], varied.shape[-1], _signed(VALUES))
    return figure


def _together(together: Faces, names: Sequence[str]) -> Drawing:
    """Of ``[faces, t, t, C, r, r]`` a square per face: the first attribute goes down, the second across."""
    figure = Drawing(figsize=(3.1 * len(together) + 0.4, 3.4))
    for ax, lines in zip(figure.subplots(1, len(together), squeeze=False)[0], together, strict=True):
        style.show_pixels(ax, np.concatenate([np.asarray(strips.strip(line)) for line in lines]))
        _above(ax, together.shape[-1], _signed(TOGETHER))
        ax.set_xlabel(drawn_symbols(names[1]), fontsize=8)
    figure.axes[0].set_yticks(figure.axes[0].get_xticks(), _signed(TOGETHER))
    figure.axes[0].set_ylabel(drawn_symbols(names[0]), fontsize=8, rotation=90, ha="center", va="bottom")
    return figure


def _between(between: Faces, names: Sequence[str]) -> Drawing:
    """Of ``[faces, shares, C, r, r]`` a line per face."""
    figure = strips.draw([("", line) for line in between], (0.9 * len(SHARES), 0.95 * len(between) + 0.3))
    _above(figure.axes[0], between.shape[-1], [f"{share:.0%}" for share in SHARES])
    return figure


def _above(ax: Axes, side: int, words: Sequence[str]) -> None:
    """Name the columns of a strip."""
    ax.set_xticks([(i + 0.5) * side for i in range(len(words))], words)
    ax.xaxis.tick_top()


def _signed(values: Sequence[float]) -> list[str]:
    return [f"{value:g}".replace("-", "−") for value in values]


def _sliders(varied: Faces, names: Sequence[str]) -> bytes:
    """Of ``[k, faces, values, C, r, r]`` an animated WebP: all faces per attribute, its value as a slider above."""
    k, faces, steps = varied.shape[:3]
    columns = min(COLUMNS, k)
    width, height = faces * SIDE + 12, SIDE + HEAD + 8
    frames = []
    for step in strips.there_and_back(steps):
        canvas = Image.new("RGB", (columns * width, -(-k // columns) * height), "white")
        draw = ImageDraw.Draw(canvas)
        for i, name in enumerate(names):
            x, y = (i % columns) * width, (i // columns) * height
            draw.text((x + 6, y + 4), name, fill="#1f2328", font=strips.font(12))
            left, right, level = x + 8, x + faces * SIDE - 2, y + 26
            draw.line((left, level, right, level), fill="#d5d8dc", width=2)
            place = left + (right - left) * step / (steps - 1)
            draw.ellipse((place - 4, level - 4, place + 4, level + 4), fill="#0072b2")
            strip = strips.strip(varied[i, :, step]).resize((faces * SIDE, SIDE), Image.Resampling.NEAREST)
            canvas.paste(strip, (x + 6, y + HEAD))
        frames.append(canvas)
    return strips.webp(frames, FRAME, quality=88)


_SHOWS: Mapping[str, tuple[str, Callable[[Faces, Sequence[str]], Any]]] = {
    "values": ("varied", _values),
    "sliders": ("varied", _sliders),
    "together": ("together", _together),
    "between": ("between", _between),
}
"""By name: the array in ``examples.npz``, and what makes a figure of it."""
