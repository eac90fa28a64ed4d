"""Grids of faces."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from facet.files import atomic_write


def edit_grid(rows: Sequence[Tensor], labels: Sequence[str], side: int = 96) -> Image.Image:
    """One row of faces per entry, named at the left, enlarged without smoothing to about ``side`` pixels.

    Args:
        rows: ``[m, C, r, r]`` in [0, 1] each.
        labels: a name per row.
        side: wanted side of a face in pixels.
    """
    factor = max(1, round(side / rows[0].shape[-1]))
    gap, margin = 2, 16 + 8 * max(len(label) for label in labels)
    cell = factor * rows[0].shape[-1]
    size = (margin + len(rows[0]) * (cell + gap), len(rows) * (cell + gap))
    canvas = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(14)
    for i, (row, label) in enumerate(zip(rows, labels, strict=True)):
        draw.text((8, i * (cell + gap) + cell // 2), label, fill="black", font=font, anchor="lm")
        for j, face in enumerate(row):
            pixels = (face.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
            if pixels.shape[2] == 1:
                pixels = np.repeat(pixels, 3, axis=2)
            picture = Image.fromarray(pixels).resize((cell, cell), Image.Resampling.NEAREST)
            canvas.paste(picture, (margin + j * (cell + gap), i * (cell + gap)))
    return canvas


def save_png(picture: Image.Image, path: Path) -> None:
    """Write an image as PNG, atomically."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    atomic_write(path, lambda file: file.write(buffer.getvalue()))
