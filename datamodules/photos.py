"""Decodes photographs, at a reduced size where the format allows it, and crops them to squares as the papers do.

This module must not import torch, because worker processes import it.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from datamodules import file_kinds
from datamodules.contents import Source
from datamodules.sources import open_source

Crop = Literal["aif", "jacsup", "none"]
OnCorrupt = Literal["fail", "skip"]
OnMissing = Literal["fail", "skip"]
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000")
"""Formats that are read. Pillow knows forty more; some of them start programs (EPS: Ghostscript)."""
LARGEST = 2**26  # pixels; Pillow warns above this limit, and raises an error above twice this limit
Image.MAX_IMAGE_PIXELS = LARGEST


def decode_run(
    kind: str,
    path: str,
    names: Sequence[str],
    crop: Crop,
    resolution: int,
    channels: int,
    on_corrupt: OnCorrupt = "fail",
) -> tuple[np.ndarray, np.ndarray]:
    """Decode some images of a source: one job of a worker process.

    Args:
        kind: of the source, a key of :data:`datamodules.sources.SOURCES`.
        path: of the source.
        names: of the images.
        crop: how an image is cropped to a square (:func:`square`).
        resolution: side in pixels.
        channels: 3 for colour, 1 for grey.
        on_corrupt: whether an image that can't be decoded is an error or marked.

    Returns:
        images ``[n, C, r, r]`` uint8, and whether each was decoded ``[n]``.

    Raises:
        ValueError: an image can't be decoded; the message names it.
    """
    source = open_source(kind, path)
    images = np.zeros((len(names), channels, resolution, resolution), np.uint8)
    good = np.ones(len(names), bool)
    for i, name in enumerate(names):
        content = _read(source, name, path)
        try:
            if isinstance(content, ValueError):
                raise content
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow's, about images that it can read
                images[i] = decode(content, crop, resolution, channels)
        except Exception as error:  # Pillow raises errors of many types for a damaged file
            if on_corrupt == "fail":
                why = " ".join(str(error).split()) or type(error).__name__
                raise ValueError(
                    f"{name} in {path} can't be decoded ({why}): mend it, or data.on_corrupt=skip leaves it out"
                ) from error
            good[i] = False
    return images, good


def _read(source: Source, name: str, path: str) -> bytes | ValueError:
    """An image's bytes, or an error if they are damaged. Errors of a disk or a network are raised, never skipped."""
    try:
        return source.read(name)
    except FileNotFoundError as error:
        raise ValueError(f"{name} is listed, but {path} has no such image") from error
    except OSError as error:
        raise ValueError(f"{name} in {path} can't be read ({error.strerror or error})") from error
    except ValueError as error:
        return error


def decode(content: bytes, crop: Crop, resolution: int, channels: int) -> np.ndarray:
    """Decode the bytes of an image file to ``[C, r, r]`` uint8.

    Raises:
        ValueError: the file is no image of :data:`FORMATS`, has more than :data:`LARGEST` pixels, or has values whose
            range is unknown.
        Exception: Pillow fails on an incomplete or damaged image.
    """
    too_many = f"more than {LARGEST:,} pixels: a decompression bomb, or to be made smaller first"
    try:
        opened = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise ValueError(f"it is {file_kinds.kind(content)}") from error
    except Image.DecompressionBombError as error:
        raise ValueError(too_many) from error
    with opened as image:
        if math.prod(image.size) > LARGEST:
            raise ValueError(too_many)
        scale = resolution / (max(image.size) if crop == "none" else min(image.size))
        mode = "RGB" if channels == 3 else "L"
        if scale < 1:  # a JPEG can be decoded at half, a quarter or an eighth of its size
            image.draft(mode, (math.ceil(image.width * scale), math.ceil(image.height * scale)))
        upright = ImageOps.exif_transpose(image)
        pixels = square(_opaque(_eight_bit(upright, image.format)).convert(mode), crop, resolution)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


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
