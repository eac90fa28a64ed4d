"""Opens picture files: which formats, how large, the right way up, and to which range of values."""

from __future__ import annotations

import io
import math
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from photos import kinds

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000")
"""Formats that are read. Pillow knows forty more; some of them start programs (EPS: Ghostscript)."""
LARGEST = 2**26  # pixels; Pillow warns above this limit, and raises an error above twice this limit
Image.MAX_IMAGE_PIXELS = LARGEST


def opened(
    content: bytes, mode: Literal["RGB", "L"], side: int | None = None, whole: bool = False, frames: bool = True
) -> Image.Image:
    """Open the bytes of a picture file: upright, on white where it is transparent, with 8 bits.

    Args:
        content: of the file.
        mode: colour or grey.
        side: in pixels, of the square that is cut from the picture later: a JPEG may be decoded at half, a quarter or
            an eighth of its size, but not below this.
        whole: whether that square will hold the whole picture, and not its centre only.
        frames: whether the first picture of an animation is taken; otherwise an animation is refused.

    Raises:
        ValueError: the file is no picture of :data:`FORMATS`, has more than :data:`LARGEST` pixels, has values whose
            range is unknown, or is an animation.
        Exception: Pillow fails on an incomplete or damaged picture.
    """
    too_many = f"more than {LARGEST:,} pixels: a decompression bomb, or to be made smaller first"
    try:
        opened = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise ValueError(f"it is {kinds.kind(content)}") from error
    except Image.DecompressionBombError as error:
        raise ValueError(too_many) from error
    with opened as image:
        if math.prod(image.size) > LARGEST:
            raise ValueError(too_many)
        if not frames and (count := getattr(image, "n_frames", 1)) > 1:
            raise ValueError(f"it holds {count} pictures, as an animation does: save one of them")
        scale = side / (max if whole else min)(image.size) if side else 1.0
        if scale < 1:
            image.draft(mode, (math.ceil(image.width * scale), math.ceil(image.height * scale)))
        upright = ImageOps.exif_transpose(image)
        return _opaque(_eight_bit(upright, image.format)).convert(mode)


def _opaque(image: Image.Image) -> Image.Image:
    """An image on a white background; transparent pixels may have any colour, which viewers don't show."""
    if not image.has_transparency_data:
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))


def _eight_bit(image: Image.Image, kind: str | None) -> Image.Image:
    """Scale 16-bit grey, and floating-point values in [0, 1], to 8 bits; Pillow would clip them.

    Args:
        image: of any mode.
        kind: format of its file, such as PNG.

    Raises:
        ValueError: the value of white is unknown; it can't be told from a single image.
    """
    if image.mode == "F":
        values = np.asarray(image)
        if not 0 <= values.min() <= values.max() <= 1:  # NaN compares as false, too
            limits = f"{values.min():g} to {values.max():g}"
            raise ValueError(f"its decimal numbers go from {limits}: scale them to 0 (black) to 1 (white)")
        return Image.fromarray((values * 255).astype(np.uint8))
    if image.mode.startswith("I"):
        if image.mode == "I" and kind not in ("PNG", "PPM"):  # in these formats, mode I holds 16 bits
            raise ValueError("its whole numbers have 32 bits, and no known white: save it with 16 or 8 bits")
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    return image
