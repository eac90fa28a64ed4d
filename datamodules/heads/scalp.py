"""Surfaces over the scalp, tied to the mesh, so that hair and hats follow every shape of head.

A surface is a grid: columns go round the head from the back over the person's right, the front and the left to the
back; rows go down from the crown.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from datamodules.heads.mesh import mesh

CENTER = np.array([0.0, 7.5, 0.4], np.float32)
COLUMNS = 45
EXPRESSIONS = (
    "mouthSmile", "mouthDimple", "mouth-laugh-lines+", "cheekSquint", "jawOpen", "mouthUpperUp", "mouthLowerDown",
    "eyeSquint", "eyeBlink", "eyeWide",
)  # fmt: skip
TIES = 6  # vertices that hold a point
HAIRLINE = np.array([
    (-0.7, 6.45), (-0.25, 6.5), (0.15, 6.85), (0.4, 7.05), (0.64, 7.05), (0.72, 7.3), (0.84, 7.6), (0.98, 7.84),
    (1.06, 7.95), (1.7, 8.0),
])  # fmt: skip
"""The lowest hair at rest: (z, y), from the nape to the forehead."""
BAND = ((0, 0.6, 1.2, 1.8, np.pi), np.radians([21, 19, 9, 0, -14]))
"""A hat's lower edge: azimuth to either side, elevation."""


@dataclass(frozen=True)
class Tie:
    """Points over the scalp as weighted means of vertices.

    Attributes:
        vertices: of each point, ``[rows, columns, TIES]``.
        weights: theirs, as many.
        elevation: of each point as seen from :data:`CENTER`, in radians, ``[rows, columns]``.
    """

    vertices: np.ndarray
    weights: np.ndarray
    elevation: np.ndarray

    def points(self, shaped: np.ndarray) -> np.ndarray:
        """The points on a head, ``[rows, columns, 3]``."""
        return np.asarray(np.einsum("rckd,rck->rcd", shaped[self.vertices], self.weights))


@dataclass(frozen=True)
class Surface:
    """A grid of points, ready to be drawn.

    Attributes:
        points: ``[v, 3]``.
        corners: of the triangles, ``[3, t]``.
        across: position round the head, 0 to 1, ``[v]``.
        along: position down the strand, from 0 at the crown, ``[v]``.
        shade: light that is let through to each point, 0 to 1, ``[v]``.
        fray: how few strands reach so far, from 0 (all) to 1 (none), ``[v]``.
        kind: what it is made of, a number after those of the mesh's parts.
    """

    points: np.ndarray
    corners: np.ndarray
    across: np.ndarray
    along: np.ndarray
    shade: np.ndarray
    fray: np.ndarray
    kind: int


@functools.cache
def azimuth() -> np.ndarray:
    """Of the columns, in radians: 0 in front, positive at the person's left. They lie closer in front."""
    turn = np.linspace(-1, 1, COLUMNS)
    return np.pi * (0.62 * turn + 0.38 * turn**3)


@functools.cache
def above_hairline() -> np.ndarray:
    """How far the vertices at rest lie inside the hairline, in decimetres, ``[v]``."""
    return inside_hairline(mesh().rest)


def inside_hairline(points: np.ndarray) -> np.ndarray:
    """How far points of the head at rest lie inside the hairline, in decimetres, ``[v]``."""
    z, y = HAIRLINE.T
    slope = np.interp(points[:, 2], (z[1:] + z[:-1]) / 2, np.diff(y) / np.diff(z))
    inside: np.ndarray = (points[:, 1] - np.interp(points[:, 2], z, y)) / np.sqrt(1 + slope**2)
    return inside.astype(np.float32)


@functools.cache
def above_band() -> np.ndarray:
    """How far the vertices at rest lie above a hat's edge, in radians, ``[v]``."""
    x, y, z = (mesh().rest - CENTER).T
    above: np.ndarray = np.arctan2(y, np.hypot(x, z)) - np.interp(np.abs(np.arctan2(x, z)), *BAND)
    return above.astype(np.float32)


@functools.cache
def _scalp() -> tuple[np.ndarray, np.ndarray]:
    """The vertices of the scalp and the forehead that no expression moves, and their directions from the centre."""
    rest = mesh().rest
    still = np.abs(sum(mesh().targets[name] for name in EXPRESSIONS)).max(1) == 0
    ear = (np.abs(rest[:, 0]) > 0.69) & (rest[:, 1] < 7.6) & (rest[:, 2] > 0)
    found = np.flatnonzero((mesh().part == 0) & (rest[:, 1] > 6.3) & ~ear & still & (mesh().seen[:, 0] > 1.3))
    out = rest[found] - CENTER
    return found, out / np.linalg.norm(out, axis=1, keepdims=True)


def tie(elevation: np.ndarray) -> Tie:
    """Tie points at elevations ``[rows, columns]`` in the columns' directions."""
    found, directions = _scalp()
    around = np.broadcast_to(azimuth(), elevation.shape)
    flat = np.cos(elevation)
    wanted = np.stack([flat * np.sin(around), np.sin(elevation), flat * np.cos(around)], -1).reshape(-1, 3)
    distance = 2 - 2 * wanted @ directions.T
    nearest = np.argpartition(distance, TIES, axis=1)[:, :TIES]
    gap = np.take_along_axis(distance, nearest, 1)
    weights = np.exp(-gap / (gap.min(1, keepdims=True) + 0.004))
    weights /= weights.sum(1, keepdims=True)
    shape = (*elevation.shape, TIES)
    return Tie(found[nearest].reshape(shape), weights.astype(np.float32).reshape(shape), elevation)


def outwards(points: np.ndarray) -> np.ndarray:
    """Directions away from the head, level below its middle, ``[..., 3]``."""
    out = points - CENTER
    out[..., 1] = np.maximum(out[..., 1], 0)
    out /= np.sqrt(np.einsum("...d,...d->...", out, out))[..., None] + np.float32(1e-6)
    return out


@functools.cache
def grid_corners(rows: int) -> np.ndarray:
    """The triangles of a grid, ``[3, t]``."""
    grid = np.arange(rows * COLUMNS).reshape(rows, COLUMNS)
    a, b, c, d = (part.ravel() for part in (grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]))
    return np.stack([np.concatenate([a, a]), np.concatenate([b, c]), np.concatenate([c, d])])
