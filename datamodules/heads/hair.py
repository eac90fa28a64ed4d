"""Hair and hats: surfaces over the scalp, tied to the mesh, so that they follow every shape of head.

A surface is a grid: columns go round the head from the back over the person's right, the front and the left to the
back; rows go down from the crown.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from datamodules.heads.mesh import mesh
from datamodules.heads.textures import smooth_noise, step

CENTER = np.array([0.0, 7.5, 0.4], np.float32)
COLUMNS = 65
HAIR, HAT = 5, 6
ROWS, HANGING = 15, 10
HAIRLINE = np.array([
    (-0.7, 6.45), (-0.25, 6.5), (0.15, 6.85), (0.4, 7.05), (0.64, 7.05), (0.72, 7.3), (0.84, 7.6), (0.98, 7.84),
    (1.06, 7.95), (1.7, 8.0),
])  # fmt: skip
"""The lowest hair at rest: (z, y), from the nape to the forehead."""


@dataclass(frozen=True)
class Tie:
    """Points over the scalp as weighted means of vertices: the vertices and their weights, ``[rows, columns, 8]``.

    Attributes:
        elevation: of each point as seen from :data:`CENTER`, in radians, ``[rows, columns]``.
    """

    vertices: np.ndarray
    weights: np.ndarray
    elevation: np.ndarray

    def points(self, shaped: np.ndarray) -> np.ndarray:
        """The points on a head, ``[rows, columns, 3]``."""
        found: np.ndarray = (shaped[self.vertices] * self.weights[..., None]).sum(2)
        return found


@dataclass(frozen=True)
class Surface:
    """A grid of points, ready to be drawn.

    Attributes:
        points: ``[v, 3]``.
        corners: of the triangles, ``[t, 3]``.
        across: position round the head, 0 to 1, ``[v]``.
        along: position down the strand, from 0 at the crown, ``[v]``.
        shade: light that is let through to each point, 0 to 1, ``[v]``.
        kind: what it is made of, a number after those of the mesh's parts.
    """

    points: np.ndarray
    corners: np.ndarray
    across: np.ndarray
    along: np.ndarray
    shade: np.ndarray
    kind: int = HAIR


def above_hairline(points: np.ndarray) -> np.ndarray:
    """How far points of the head at rest lie inside the hairline, in decimetres, ``[v]``."""
    z, y = HAIRLINE.T
    slope = np.interp(points[:, 2], (z[1:] + z[:-1]) / 2, np.diff(y) / np.diff(z))
    inside: np.ndarray = (points[:, 1] - np.interp(points[:, 2], z, y)) / np.sqrt(1 + slope**2)
    return inside.astype(np.float32)


@functools.cache
def azimuth() -> np.ndarray:
    """Of the columns, in radians: 0 in front, positive at the person's left."""
    return np.linspace(-np.pi, np.pi, COLUMNS)


@functools.cache
def _scalp() -> tuple[np.ndarray, np.ndarray]:
    """The vertices of the scalp and the forehead, and their directions as seen from the centre."""
    rest = mesh().rest
    ear = (np.abs(rest[:, 0]) > 0.69) & (rest[:, 1] < 7.6) & (rest[:, 2] > 0)
    found = np.flatnonzero((mesh().part == 0) & (rest[:, 1] > 6.3) & ~ear & (mesh().seen[:, 0] > 1.3))
    out = rest[found] - CENTER
    return found, out / np.linalg.norm(out, axis=1, keepdims=True)


def tie(elevation: np.ndarray) -> Tie:
    """Tie points at elevations ``[rows, columns]`` in the columns' directions."""
    found, directions = _scalp()
    around = np.broadcast_to(azimuth(), elevation.shape)
    flat = np.cos(elevation)
    wanted = np.stack([flat * np.sin(around), np.sin(elevation), flat * np.cos(around)], -1).reshape(-1, 3)
    distance = 2 - 2 * wanted @ directions.T
    nearest = np.argpartition(distance, 8, axis=1)[:, :8]
    gap = np.take_along_axis(distance, nearest, 1)
    weights = np.exp(-gap / (gap.min(1, keepdims=True) + 0.004))
    weights /= weights.sum(1, keepdims=True)
    shape = (*elevation.shape, 8)
    return Tie(found[nearest].reshape(shape), weights.astype(np.float32).reshape(shape), elevation)


@functools.cache
def scalp() -> Tie:
    """The grid from the crown to the hairline."""
    steps = np.radians(np.arange(88, -66, -2.0))
    rest = tie(np.broadcast_to(steps[:, None], (len(steps), COLUMNS))).points(mesh().rest)
    outside = above_hairline(rest.reshape(-1, 3)).reshape(rest.shape[:2]) < 0
    outside &= steps[:, None] < 0.6
    ends = steps[np.where(outside.any(0), outside.argmax(0), len(steps) - 1)]
    ends = np.convolve(np.concatenate([ends[-3:-1], ends, ends[1:3]]), [0.1, 0.2, 0.4, 0.2, 0.1], "valid")
    down = np.linspace(0, 1, ROWS)[:, None]
    return tie(np.radians(88) * (1 - down) + ends[None] * down)


@functools.cache
def fringe() -> Tie:
    """The grid of bangs: from above the hairline to the brows."""
    down = np.linspace(0, 1, 10)[:, None]
    return tie(np.broadcast_to(np.radians(48) * (1 - down) + np.radians(-3) * down, (10, COLUMNS)))


@functools.cache
def crown() -> Tie:
    """The grid of hats: from the crown to the band."""
    turned = np.abs(azimuth())
    band = np.interp(turned, [0, 0.6, 1.2, 1.8, np.pi], np.radians([21, 19, 9, 0, -14]))
    down = np.linspace(0, 1, 11)[:, None]
    return tie(np.radians(88) * (1 - down) + band[None] * down)


@functools.cache
def _corners(rows: int, columns: int) -> np.ndarray:
    grid = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]))
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


@functools.cache
def _clumps(kind: int) -> np.ndarray:
    return smooth_noise(np.random.default_rng(20 + kind), (256, 256), [(32, 12), (64, 24), (128, 3)][kind]) - 0.5


def clumps(kind: int, phase: float, across: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Noise from -0.5 to 0.5 at positions of a grid."""
    row, column = ((across + phase) * 256).astype(int) % 256, (along * 128 + phase * 977).astype(int) % 256
    return np.asarray(_clumps(kind)[row, column])


def outwards(points: np.ndarray) -> np.ndarray:
    """Directions away from the head, level below its middle, ``[..., 3]``."""
    out = points - CENTER
    out[..., 1] = np.maximum(out[..., 1], 0)
    out /= np.sqrt((out * out).sum(-1, keepdims=True)) + np.float32(1e-6)
    return out


def hair(shaped: np.ndarray, style: Mapping[str, Any], hat: bool) -> Surface:
    """The hair of a head.

    Args:
        shaped: vertices of the mesh.
        style: ``top``, ``side`` (how far it stands off), ``quiff``, ``length`` (down from the hairline, 0: none),
            ``frame`` (azimuth from which it hangs), ``flare``, ``wave``, ``clump``, ``parting``, ``phase``.
        hat: whether a hat presses it down.
    """
    grid = scalp()
    points, around = grid.points(shaped), np.abs(azimuth())
    down, across = np.linspace(0, 1, ROWS)[:, None], np.broadcast_to(azimuth() / (2 * np.pi) + 0.5, (ROWS, COLUMNS))
    up = np.clip(grid.elevation / np.radians(65), 0, 1)
    hangs = step(style["frame"] - 0.12, style["frame"] + 0.12, around) * (style["length"] > 0)
    edge = (1 - down**5) ** 0.5 * (1 - hangs) + hangs
    volume = style["top"] * up + style["side"] * (1 - up)
    volume = volume + style["quiff"] * step(1.0, 0.2, around) * np.exp(-(((down - 0.78) / 0.22) ** 2))
    crease = np.exp(-(((azimuth() - style["parting"]) / 0.1) ** 2)) * step(0.1, 0.5, down)
    ragged = clumps(0, style["phase"], across, down) + 0.6 * clumps(1, style["phase"], across, down)
    thickness = volume * (1 - 0.55 * crease) * edge * (1 + style["clump"] * ragged)
    if hat:
        covered = step(-0.05, 0.2, grid.elevation - crown().elevation[-1])
        thickness = thickness * (1 - covered) + np.minimum(thickness, 0.03) * covered
    points += outwards(points) * (thickness + 0.02)[..., None].astype(np.float32)
    along = np.broadcast_to(down, (ROWS, COLUMNS))
    shade = np.ones((ROWS, COLUMNS))
    corners = _corners(ROWS, COLUMNS)
    if style["length"] > 0:
        points, along, shade, corners = _hanging(points, style, hangs, across)
        across = np.broadcast_to(across[0], along.shape)
    return Surface(points.reshape(-1, 3), corners, across.ravel(), along.ravel(), shade.ravel())


def _hanging(
    points: np.ndarray, style: Mapping[str, Any], hangs: np.ndarray, across: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Hair that falls from the hairline: points ``[rows, columns, 3]``, position along, shade, corners."""
    flat = points - CENTER
    radius = np.hypot(flat[..., 0], flat[..., 2])
    widest = radius * (1 - hangs) + np.maximum.accumulate(radius, 0) * hangs
    flat[..., [0, 2]] *= (widest / radius)[..., None]
    fall = np.linspace(0, 1, HANGING + 1)[1:, None]
    ends = style["length"] * (1 + 0.22 * clumps(2, style["phase"], across[0], across[0] * 0))
    lowest = 7.05 - CENTER[1] - ends  # hair of one length ends at one height, wherever it begins
    drop = flat[-1, :, 1] * (1 - fall) + np.minimum(lowest, flat[-1, :, 1] - 0.05) * fall
    wave = style["wave"] * np.sin(9 * fall + 40 * style["phase"] + 5 * azimuth())
    spread = 1 + style["flare"] * fall - 0.22 * fall**4 + wave * fall
    tips = np.stack([flat[-1, :, 0] * spread, drop, flat[-1, :, 2] * spread], -1)
    tips[..., 2] += 0.12 * fall * step(2.0, 1.2, np.abs(azimuth()))  # over the shoulders, to the front
    whole = (np.concatenate([flat, tips]) + CENTER).astype(np.float32)
    along = np.concatenate([np.broadcast_to(np.linspace(0, 1, ROWS)[:, None], across.shape), 1 + fall + 0 * drop])
    back = step(1.5, 2.4, np.abs(azimuth()))
    shade = np.concatenate([np.ones(across.shape), (1 - 0.5 * back * fall**0.5) * (1 - 0.1 * fall)])
    corners = _corners(len(whole), COLUMNS)
    column = corners[:, 0] % COLUMNS
    frozen = (corners.max(1) // COLUMNS >= ROWS) & ~((hangs[:-1] > 0.5) & (hangs[1:] > 0.5))[
        np.minimum(column, COLUMNS - 2)
    ]
    return whole, along, shade, corners[~frozen]


def bangs(shaped: np.ndarray, style: Mapping[str, Any]) -> Surface:
    """Hair over the forehead."""
    grid = fringe()
    points = grid.points(shaped)
    down = np.linspace(0, 1, len(points))[:, None]
    across = np.broadcast_to(azimuth() / (2 * np.pi) + 0.5, grid.elevation.shape)
    off = 0.10 * np.sin(np.pi * np.clip(0.25 + 0.62 * down, 0, 1)) + 0.02
    off = off * (1 + 0.8 * clumps(0, style["phase"], across, down * 0.4))
    points += outwards(points) * off[..., None].astype(np.float32)
    ends = 0.10 * clumps(2, style["phase"], across[0], across[0] * 0) + style["bangs"]
    lift = ends + 0.06 * np.cos(2.2 * azimuth())
    points[..., 1] += (down**2 * lift).astype(np.float32)
    corners = _corners(*grid.elevation.shape)
    middle = np.abs(azimuth())[np.minimum(corners % COLUMNS, COLUMNS - 1)].max(1)
    corners = corners[middle < 1.0]
    shade = np.broadcast_to(0.75 + 0.25 * down, across.shape)
    along = np.broadcast_to(0.5 + 0.6 * down, across.shape)
    return Surface(points.reshape(-1, 3), corners, across.ravel(), along.ravel(), shade.ravel())


def beanie(shaped: np.ndarray, hat: Mapping[str, Any]) -> Surface:
    """A knitted hat; ``height`` says how far it stands up, ``band`` how thick its fold is."""
    grid = crown()
    points = grid.points(shaped)
    down = np.linspace(0, 1, len(points))[:, None]
    across = np.broadcast_to(azimuth() / (2 * np.pi) + 0.5, grid.elevation.shape)
    off = 0.1 + hat["height"] * np.clip(grid.elevation, 0, 1) ** 2 + hat["band"] * step(0.72, 0.76, down)
    points += outwards(points) * (off * np.ones_like(across))[..., None].astype(np.float32)
    along = np.broadcast_to(down, across.shape)
    shade = np.ones(across.size)
    corners = _corners(*grid.elevation.shape)
    return Surface(points.reshape(-1, 3), corners, across.ravel(), along.ravel(), shade, HAT)
