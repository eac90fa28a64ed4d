"""Decodes photographs, at a reduced size where the format allows it, and crops them to squares as the papers do.

This module must not import torch, because worker processes import it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np

from datamodules.contents import Source
from datamodules.sources import open_source
from photos.opening import opened
from photos.squares import Crop, square

OnCorrupt = Literal["fail", "skip"]
OnMissing = Literal["fail", "skip"]


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
        crop: how an image is cropped to a square (:func:`photos.squares.square`).
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
        Exception: as :func:`photos.opening.opened`.
    """
    image = opened(content, "RGB" if channels == 3 else "L", resolution, whole=crop == "none")
    pixels = square(image, crop, resolution)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
