"""Faces at continuous values of attributes: one attribute at a time, moving, two at once, or another face's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from facet.errors import UserError, nearest
from facet.measures.drawn import read_examples
from facet.measures.shown import SHARES, TOGETHER, VALUES
from facet.report import strips, style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.texts import drawn_symbols

Pictures = NDArray[np.uint8]
FRAME = 110  # milliseconds
COLUMNS, SIDE, HEAD = 5, 96, 34  # of the animation: attributes side by side, pixels of a face, and of what is above it


def render(page: Context, shows: str, rows: Sequence[str] | str = "several", caption: str = "") -> list[Block]:
    """A figure of every row's first run.

    Args:
        page: what it is made from.
        shows: ``values`` (a face, a line per attribute, a column per value), ``sliders`` (the same of several faces,
            moving), ``together`` (two attributes), or ``between`` (faces on the way to the next one's attributes).
        rows: which.
        caption: below each figure.
    """
    if shows not in _SHOWS:
        raise UserError(f"{page.page.name}: shows={shows}: nearest: {nearest(shows, _SHOWS)}")
    made: list[Block] = []
    chosen = [row for row in page.chosen(rows) if row.evaluated]
    for row in chosen:
        names = [name.replace("_", " ") for name in row.evaluated[0].attribute_names]
        array, drawing = _SHOWS[shows]
        found = read_examples(row.evaluated[0].directory, lambda name: name in _ARRAYS)
        if array in found and len(found.get("varied", ())) == len(names):
            title = row.title if len(chosen) > 1 else ""
            alt = f"{row.title}: {shows}"
            made.append(
                Figure(f"{row.key}-{shows}", drawing(found[array], names), page.texts.fill(caption), alt, title)
            )
    return made


def _values(varied: Pictures, names: Sequence[str], scheme: style.Scheme) -> Drawing:
    """Of ``[k, faces, values, C, r, r]`` the first face, a line per attribute, a column per value."""
    lines = list(zip(names, varied[:, 0], strict=True))
    figure = strips.draw(lines, (1.9 + 0.8 * len(VALUES), 0.82 * len(names) + 0.3), scheme)
    _above(figure.axes[0], varied.shape[-1], _signed(VALUES))
    return figure


def _together(together: Pictures, names: Sequence[str], scheme: style.Scheme) -> Drawing:
    """Of ``[faces, t, t, C, r, r]`` a square per face: the first attribute goes down, the second across."""
    figure = Drawing(figsize=(3.1 * len(together) + 0.4, 3.4), layout="constrained")
    how: dict[str, Any] = {"fontsize": 8, "color": style.INK[scheme][0]}
    for ax, lines in zip(figure.subplots(1, len(together), squeeze=False).ravel(), together, strict=True):
        style.show_pixels(ax, np.concatenate([np.asarray(strips.strip(line)) for line in lines]))
        places = _above(ax, together.shape[-1], _signed(TOGETHER))
        ax.set_xlabel(drawn_symbols(names[1]), **how)
    first = figure.axes[0]
    first.set_yticks(places, _signed(TOGETHER))
    first.set_ylabel(drawn_symbols(names[0]), **how)
    return figure


def _between(between: Pictures, names: Sequence[str], scheme: style.Scheme) -> Drawing:
    """Of ``[faces, shares, C, r, r]`` a line per face."""
    lines = [("", line) for line in between]
    figure = strips.draw(lines, (0.9 * len(SHARES), 0.95 * len(between) + 0.3), scheme)
    _above(figure.axes[0], between.shape[-1], [f"{share:.0%}" for share in SHARES])
    return figure


def _above(ax: Axes, side: int, words: Sequence[str]) -> list[float]:
    """Name the columns of a strip; returns their middles in pixels."""
    places = [(i + 0.5) * side for i in range(len(words))]
    ax.set_xticks(places, words)
    ax.xaxis.tick_top()
    return places


def _signed(values: Sequence[float]) -> list[str]:
    return [f"{value:g}".replace("-", "−") for value in values]


def _sliders(varied: Pictures, names: Sequence[str]) -> bytes:
    """Of ``[k, faces, values, C, r, r]`` an animated WebP: all faces per attribute, its value as a slider above."""
    k, faces, steps = varied.shape[:3]
    columns = min(COLUMNS, k)
    width, height = faces * SIDE + 12, SIDE + HEAD + 8
    frames = []
    for step in [*range(steps), *range(steps - 2, 0, -1)]:
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


def _later(draw: Callable[..., Drawing]) -> Callable[[Pictures, Sequence[str]], Callable[[style.Scheme], Drawing]]:
    """What draws a figure once its colours are known."""
    return lambda pictures, names: partial(draw, pictures, names)


_SHOWS: Mapping[str, tuple[str, Callable[[Pictures, Sequence[str]], Any]]] = {
    "values": ("varied", _later(_values)),
    "sliders": ("varied", _sliders),
    "together": ("together", _later(_together)),
    "between": ("between", _later(_between)),
}
"""By name: the array in ``examples.npz``, and what makes a figure of it."""
_ARRAYS = {array for array, _ in _SHOWS.values()}
