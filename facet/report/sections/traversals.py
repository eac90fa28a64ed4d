"""Each unit that growth opened, varied for the same images, a row for each image; and the same as an animation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from PIL import Image

from facet.measures.drawn import read_examples
from facet.report import strips
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.strips import Faces

ENLARGED, FRAME = 3, 90
"""By how much the moving images are enlarged; milliseconds a frame."""


def render(page: Context, heading: str, moving: str, moving_caption: str) -> list[Block]:
    """The figure and the animation of the first run that has numbers.

    Args:
        heading: above each unit, a template in which ``number`` counts them from 1.
        moving: the heading of the animation.
        moving_caption: below it.
    """
    if not page.evaluated:
        return []
    arrays = read_examples(page.evaluated[0].evaluated[0].directory)
    units = [arrays[name] for name in sorted(arrays) if name.startswith("unit")]
    if not units:
        return []
    panels = [(page.texts.fill(heading, number=i), _tiled(unit)) for i, unit in enumerate(units, 1)]
    drawn = partial(strips.panels, panels, 1, (9.4, 1.05 + 2.35 * len(units)))
    alt = "Images as one new unit of the code is varied, one block for each unit"
    moved = Figure("traversal", _animation(units), alt, page.texts.fill(moving), page.texts.fill(moving_caption))
    return [Figure("units", drawn, alt), moved]


def _tiled(pictures: Faces) -> Faces:
    """``[lines, columns, 1, h, w]`` as one picture."""
    return strips.tiled(pictures.reshape(-1, *pictures.shape[2:]), pictures.shape[1])


def _animation(units: Sequence[Faces]) -> bytes:
    """There and back, a column for each unit."""
    frames = []
    for step in strips.there_and_back(units[0].shape[1]):
        plain = _tiled(np.stack([unit[:, step] for unit in units], axis=1))
        frames.append(Image.fromarray(plain).resize((plain.shape[1] * ENLARGED, plain.shape[0] * ENLARGED)))
    return strips.webp(frames, FRAME, lossless=True)
