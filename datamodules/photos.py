"""Photographs as squares of uint8: decoded no larger than need be, cropped as the papers do.

Nothing here imports torch: worker processes decode.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from datamodules.contents import Source
from datamodules.sources import open_source

Crop = Literal["aif", "jacsup", "none"]
OnCorrupt = Literal["fail", "skip"]
OnMissing = Literal["fail", "skip"]
DAMAGED = (  # what Pillow raises for files that aren't what they say
    *(OSError, SyntaxError, ValueError, EOFError, RuntimeError, struct.error, zlib.error),
    Image.DecompressionBombError,
)
Image.MAX_IMAGE_PIXELS = 2**26  # 64 megapixels: beyond, Pillow warns, and beyond twice that it refuses; so do we


def decode_run(
    kind: str,
    path: str,
    names: Sequence[str],
    crop: Crop,
    resolution: int,
    channels: int,
    on_corrupt: OnCorrupt = "fail",
) -> tuple[np.ndarray, np.ndarray]:
    """Decode some images of a source: the unit of work of one process.

    Args:
        kind: of the source, a key of :data:`datamodules.sources.SOURCES`.
        path: of the source.
        names: of the images.
        crop: how a picture becomes a square (:func:`square`).
        resolution: side in pixels.
        channels: 3 for colour, 1 for grey.
        on_corrupt: what an image that can't be decoded does.

    Returns:
        images ``[n, C, r, r]`` uint8, and which of them are good ``[n]``.

    Raises:
        ValueError: an image that can't be decoded, by name.
    """
    source = open_source(kind, path)
    images = np.zeros((len(names), channels, resolution, resolution), np.uint8)
    good = np.ones(len(names), bool)
    for i, name in enumerate(names):
        content = _read(source, name, path)
        try:
            if isinstance(content, ValueError):
                raise content
            images[i] = decode(content, crop, resolution, channels)
        except DAMAGED as error:
            if on_corrupt == "fail":
                raise ValueError(
                    f"{name} in {path} can't be decoded ({error}): mend it, or data.on_corrupt=skip leaves it out"
                ) from error
            good[i] = False
    return images, good


def _read(source: Source, name: str, path: str) -> bytes | ValueError:
    """An image's bytes, or why they are damaged; what a disk or a network refuses isn't damage, and never skipped."""
    try:
        return source.read(name)
    except FileNotFoundError as error:
        raise ValueError(f"{name} is listed, but {path} has no such image") from error
    except OSError as error:
        raise ValueError(f"{name} in {path} can't be read ({error.strerror or error})") from error
    except ValueError as error:
        return error


def decode(content: bytes, crop: Crop, resolution: int, channels: int) -> np.ndarray:
    """Bytes of an image file to ``[C, r, r]`` uint8.

    Raises:
        OSError: not an image, or a part of one.
        ValueError: more pixels than is reasonable.
    """
    with Image.open(io.BytesIO(content)) as image:
        if math.prod(image.size) > (Image.MAX_IMAGE_PIXELS or math.inf):
            raise ValueError(f"{image.size[0]}×{image.size[1]} pixels: a decompression bomb")
        scale = resolution / (max(image.size) if crop == "none" else min(image.size))
        mode = "RGB" if channels == 3 else "L"
        if scale < 1:  # a JPEG can be decoded at half, a quarter or an eighth of its size
            image.draft(mode, (math.ceil(image.width * scale), math.ceil(image.height * scale)))
        upright = ImageOps.exif_transpose(image)
        pixels = square(_eight_bit(upright).convert(mode), crop, resolution)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def square(image: Image.Image, crop: Crop, resolution: int) -> np.ndarray:
    """A picture as a square ``[r, r]`` or ``[r, r, 3]``.

    ``aif``: the central square, bilinear (``docs/fidelity.md``, AIF 11); ``jacsup``: of a CelebA picture rows 20
    to 198, which is the central square as well, Lanczos (JacSup 10); ``none``: the whole picture, its edge pixels
    repeated to make it square.
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


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit grey scaled to 8, and floats in [0, 1] too: Pillow would cut them off."""
    values = np.asarray(image) if image.mode == "F" or image.mode.startswith("I") else None
    if values is None:
        return image
    if image.mode == "F":
        scaled = values * 255 if values.max() <= 1 else values
    else:
        wide = image.mode != "I" or values.max() > 255
        scaled = values.astype(np.int64) >> 8 if wide else values
    return Image.fromarray(scaled.clip(0, 255).astype(np.uint8))
