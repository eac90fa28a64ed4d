"""A knitted hat."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from datamodules.heads.scalp import BAND, Surface, Tie, azimuth, grid_corners, outwards, tie
from datamodules.heads.textures import step

HAT = 6
ROWS = 9
FOLD = 0.7  # where the fold begins, from the crown to the edge


@functools.cache
def crown() -> Tie:
    """The grid of hats: from the crown to the band, and its edge again."""
    band = np.interp(np.abs(azimuth()), *BAND)
    down = np.minimum(np.linspace(0, ROWS / (ROWS - 1), ROWS + 1), 1)[:, None]
    return tie(np.radians(88) * (1 - down) + band[None] * down)


def beanie(shaped: np.ndarray, hat: Mapping[str, Any]) -> Surface:
    """A knitted hat; ``height`` says how far it stands up, ``band`` how thick its fold is."""
    grid = crown()
    points = grid.points(shaped)
    down = np.minimum(np.linspace(0, ROWS / (ROWS - 1), ROWS + 1), 1)[:, None]
    off = 0.12 + hat["height"] * np.clip(grid.elevation, 0, 1) ** 2 + hat["band"] * step(FOLD, FOLD + 0.06, down)
    off[-1] = 0.01  # the edge turns in, so that none looks below it
    points += outwards(points) * off[..., None].astype(np.float32)
    across = np.broadcast_to(azimuth() / (2 * np.pi) + 0.5, off.shape)
    along = np.broadcast_to(down, off.shape)
    shade = np.broadcast_to(1 - 0.35 * np.exp(-(((down - FOLD) / 0.03) ** 2)), off.shape)
    return Surface(
        points.reshape(-1, 3),
        grid_corners(len(points)),
        across.ravel(),
        along.ravel(),
        shade.ravel(),
        np.zeros(off.size),
        HAT,
    )
