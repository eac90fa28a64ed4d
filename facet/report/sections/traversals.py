"""Each unit that growth opened, varied for the same digits, a row for each digit; and the same as an animation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure as Drawing
from PIL import Image

from facet.measures.drawn import read_examples
from facet.report import strips, style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.strips import Faces
from facet.report.texts import drawn_symbols

ENLARGED, FRAME = 3, 90
"""By how much the moving digits are enlarged; milliseconds a frame."""


def render(page: Context, heading: str, caption: str, moving: str, moving_caption: str) -> list[Block]:
    """The figure and the animation of the first run that has numbers.

    Args:
        page: what it is made from.
        heading: above each unit, a template in which ``number`` counts them from 1.
        caption: below the figure.
        moving: the heading of the animation.
        moving_caption: below it.
    """
    if not page.evaluated:
        return []
    arrays = read_examples(page.evaluated[0].evaluated[0].directory)
    units = [arrays[name] for name in sorted(arrays) if name.startswith("unit")]
    if not units:
        return []
    titles = [page.texts.fill(heading, number=i) for i in range(1, len(units) + 1)]
    alt = "Images as one new unit of the code is varied, one block for each unit"
    return [
        Figure("units", partial(_draw, units, titles), page.texts.fill(caption), alt),
        Figure("traversal", _animation(units), page.texts.fill(moving_caption), alt, page.texts.fill(moving)),
    ]


def _draw(units: Sequence[Faces], titles: Sequence[str], scheme: style.Scheme) -> Drawing:
    figure = Drawing(figsize=(9.4, 1.05 + 2.35 * len(units)), layout="constrained")
    for ax, unit, title in zip(figure.subplots(len(units), 1, squeeze=False)[:, 0], units, titles, strict=True):
        digits, steps, *shape = unit.shape
        ax.imshow(strips.tiled(unit.reshape(digits * steps, *shape), steps), cmap="gray", vmin=0, vmax=255)
        ax.set_title(drawn_symbols(title))
        ax.axis("off")
    return figure


def _animation(units: Sequence[Faces]) -> bytes:
    """There and back, a column for each unit."""
    steps = units[0].shape[1]
    frames = []
    for step in [*range(steps), *range(steps - 2, 0, -1)]:
        columns = np.stack([unit[:, step] for unit in units], axis=1)  # [digits, units, 1, h, w]
        digits, count, *shape = columns.shape
        plain = strips.tiled(columns.reshape(digits * count, *shape), count)
        frames.append(Image.fromarray(plain).resize((plain.shape[1] * ENLARGED, plain.shape[0] * ENLARGED)))
    return strips.webp(frames, FRAME, lossless=True)
