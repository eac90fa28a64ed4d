"""Example pictures of a model's data: in a file beside the model, or of the test split of a run's data."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig
from PIL import Image
from torch import Tensor

from facet import packaged
from facet.commands import say
from facet.editing.editor import PictureEditor, picture_of
from facet.errors import UserError
from facet.loading import data_of, settings_of
from facet.runs import Run
from facet.weights import beside

SHEET = "examples.png"
"""Square pictures side by side."""
COUNT = 12
MOST = 64  # pictures of a sheet that is read; it may be anybody's


def sheet(images: Tensor) -> bytes:
    """Pictures ``[N, C, r, r]`` uint8 side by side, as the content of a PNG file."""
    row = np.concatenate(list(images.permute(0, 2, 3, 1).numpy()), axis=1)
    content = io.BytesIO()
    Image.fromarray(row[..., 0] if row.shape[-1] == 1 else row).save(content, "PNG", optimize=True)
    return content.getvalue()


def read_sheet(path: Path, resolution: int, channels: int) -> Tensor | None:
    """The pictures of a sheet, ``[N, C, r, r]`` uint8; None if there is none of this size."""
    try:
        with Image.open(path) as opened:
            width, height = opened.size
            if height != resolution or width % height or width > MOST * height:
                return None
            pixels = np.asarray(opened.convert("RGB" if channels == 3 else "L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises for a damaged file
        return None
    squares = pixels.reshape(height, -1, height, channels).transpose(1, 3, 0, 2)
    return torch.from_numpy(squares.copy())


def of_file(weights: Path, data: str, resolution: int, channels: int) -> Tensor | None:
    """The pictures that were exported with a file of weights, or Facet's own of such data; None if there are none.

    Args:
        weights: the file of a model.
        data: the model's data set.
        resolution, channels: of the model's pictures.
    """
    return read_sheet(beside(weights, data, SHEET) or packaged.MODELS / data / SHEET, resolution, channels)


def example_of(editor: PictureEditor) -> Image.Image:
    """A picture for a model that comes with Facet."""
    images = read_sheet(packaged.MODELS / editor.data / SHEET, editor.resolution, editor.channels)
    assert images is not None, "it comes with Facet, too"
    return picture_of(images[0].float() / 255)


def spread(images: Tensor, count: int = COUNT) -> Tensor:
    """Pictures spread over a split: neighbours may be alike."""
    return images[torch.linspace(0, len(images) - 1, min(count, len(images))).long()]


def of_run(run: Run, settings: DictConfig | None = None) -> Tensor | None:
    """The pictures of the test split of a run's data, ``[N, C, r, r]`` uint8; None, and a line, if they aren't there.

    Args:
        run: the run.
        settings: its config, with its data where they are now; None if they weren't moved.

    Raises:
        UserError: the run's config is invalid.
    """
    settings = settings or settings_of(run, {})
    try:
        data: Any = data_of(run, settings)
        data.prepare_data()
        images: Tensor = data.tensors("test")[0]
    except (UserError, OSError) as error:
        say(f"there are no example pictures: {error}", "yellow")
        return None
    return images
