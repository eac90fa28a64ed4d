"""Squares: how the papers cut a picture to the square that a network sees."""

from __future__ import annotations

from typing import Literal

import numpy as np
from PIL import Image

Crop = Literal["aif", "jacsup", "none"]


def square(image: Image.Image, crop: Crop, resolution: int) -> np.ndarray:
    """An image as a square ``[r, r]`` or ``[r, r, 3]``.

    ``aif``: the central square, resized bilinearly, as by AIF's authors. ``jacsup``: rows 20 to 198 of a CelebA image,
    which are the central square too, resized by Lanczos (``docs/fidelity.md``, "CelebA"). ``none``: the whole image,
    padded to a square by repeating its edge pixels.
    """
    width, height = image.size
    if crop == "none":
        scale = resolution / max(width, height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = np.asarray(image.resize(size, Image.Resampling.LANCZOS))
        before = [(resolution - side) // 2 for side in (size[1], size[0])]
        after = [resolution - side - start for side, start in zip((size[1], size[0]), before, strict=True)]
        return np.pad(small, [*zip(before, after, strict=True), (0, 0)][: small.ndim], mode="edge")
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    resample = Image.Resampling.BILINEAR if crop == "aif" else Image.Resampling.LANCZOS
    return np.asarray(image.resize((resolution, resolution), resample, (left, top, left + side, top + side)))
