"""Hair: a cap from the crown to the hairline, strands that hang from it, and bangs."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from datamodules.heads.mesh import mesh
from datamodules.heads.scalp import (
    BAND,
    CENTER,
    COLUMNS,
    Surface,
    Tie,
    azimuth,
    grid_corners,
    inside_hairline,
    outwards,
    tie,
)
from datamodules.heads.textures import smooth_noise, step

HAIR = 5
ROWS, HANGING, BANGS = 14, 8, 9
UNDER_HAT = 0.2  # how far above a hat's edge hair is still drawn, in radians


@functools.cache
def scalp() -> Tie:
    """The grid from the crown to the hairline."""
    steps = np.radians(np.arange(88, -66, -2.0))
    rest = tie(np.broadcast_to(steps[:, None], (len(steps), COLUMNS))).points(mesh().rest)
    outside = inside_hairline(rest.reshape(-1, 3)).reshape(rest.shape[:2]) < 0
    outside &= steps[:, None] < 0.6
    ends = steps[np.where(outside.any(0), outside.argmax(0), len(steps) - 1)]
    ends = np.convolve(np.concatenate([ends[-3:-1], ends, ends[1:3]]), [0.1, 0.2, 0.4, 0.2, 0.1], "valid")
    down = np.linspace(0, 1, ROWS)[:, None] ** 0.9
    return tie(np.radians(88) * (1 - down) + ends[None] * down)


@functools.cache
def fringe() -> Tie:
    """The grid of bangs: from above the hairline to the brows."""
    down = np.linspace(0, 1, BANGS)[:, None]
    return tie(np.broadcast_to(np.radians(50) * (1 - down) + np.radians(-1) * down, (BANGS, COLUMNS)))


@functools.cache
def _above_band(kind: str) -> np.ndarray:
    """How far the points of a grid lie above a hat's edge, in radians, ``[rows, columns]``."""
    grid = scalp() if kind == "scalp" else fringe()
    return np.asarray(grid.elevation - np.interp(np.abs(azimuth()), *BAND))


@functools.cache
def _clumps(kind: int) -> np.ndarray:
    return smooth_noise(np.random.default_rng(20 + kind), (256, 256), [(32, 12), (64, 24), (128, 3)][kind]) - 0.5


def clumps(kind: int, phase: float, across: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Noise from -0.5 to 0.5 at positions of a grid."""
    row, column = ((across + phase) * 256).astype(int) % 256, (along * 128 + phase * 977).astype(int) % 256
    return np.asarray(_clumps(kind)[row, column])


def hair(shaped: np.ndarray, style: Mapping[str, Any], hat: bool) -> Surface:
    """The hair of a head.

    Args:
        shaped: vertices of the mesh.
        style: ``top``, ``side`` (how far it stands off), ``quiff``, ``length`` (down from the hairline, 0: none),
            ``frame`` (azimuth from which it hangs), ``flare``, ``wave``, ``clump``, ``parting``, ``phase``.
        hat: whether a hat presses it down, and hides it.
    """
    grid = scalp()
    points, around = grid.points(shaped), np.abs(azimuth())
    down, across = np.linspace(0, 1, ROWS)[:, None] ** 0.9, np.broadcast_to(_across(), (ROWS, COLUMNS))
    up = np.clip(grid.elevation / np.radians(65), 0, 1)
    hangs = step(style["frame"] - 0.12, style["frame"] + 0.12, around) * (style["length"] > 0)
    edge = (1 - down**4) ** 0.6 * (1 - hangs) + hangs
    volume = style["top"] * up + style["side"] * (1 - up)
    volume = volume + style["quiff"] * step(1.0, 0.2, around) * np.exp(-(((down - 0.78) / 0.22) ** 2))
    crease = np.exp(-(((azimuth() - style["parting"]) / 0.1) ** 2)) * step(0.1, 0.5, down)
    ragged = clumps(0, style["phase"], across, down) + 0.6 * clumps(1, style["phase"], across, down)
    thickness = volume * (1 - 0.55 * crease) * edge * (1 + style["clump"] * ragged)
    if hat:
        covered = step(-0.15, 0.0, _above_band("scalp"))
        thickness = thickness * (1 - covered) + np.minimum(thickness, 0.03) * covered
    points += outwards(points) * (thickness + 0.02)[..., None].astype(np.float32)
    ends = clumps(2, style["phase"], across[-1:], across[-1:] * 0) * (1 - hangs)
    points[..., 1] += (0.13 * step(0.6, 1, down) * ends).astype(np.float32)  # an uneven hairline
    shade = (1 - 0.3 * crease) * np.clip(1 + 0.9 * ragged, 0.45, 1)
    fray = step(0.86, 1, down) * (1 - hangs)
    along, corners = np.broadcast_to(down, (ROWS, COLUMNS)), grid_corners(ROWS)
    if style["length"] > 0:
        points, along, shade, fray, corners = _hanging(points, style, hangs, shade, fray)
        across = np.broadcast_to(across[0], along.shape)
    if hat:
        hidden = np.zeros(along.shape, bool)
        hidden[:ROWS] = _above_band("scalp") > UNDER_HAT
        corners = corners[:, ~hidden.ravel()[corners].all(0)]
    return _surface(points, corners, across, along, shade, fray)


def _across() -> np.ndarray:
    return azimuth() / (2 * np.pi) + 0.5


def _surface(points: np.ndarray, corners: np.ndarray, *columns: np.ndarray) -> Surface:
    across, along, shade, fray = (np.broadcast_to(column, points.shape[:2]).ravel() for column in columns)
    return Surface(points.reshape(-1, 3), corners, across, along, shade, fray, HAIR)


def _hanging(
    points: np.ndarray, style: Mapping[str, Any], hangs: np.ndarray, shade: np.ndarray, fray: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Hair that falls from the hairline: points ``[rows, columns, 3]``, position along, shade, fray, corners."""
    flat = points - CENTER
    radius = np.hypot(flat[..., 0], flat[..., 2])
    widest = radius * (1 - hangs) + np.maximum.accumulate(radius, 0) * hangs
    flat[..., [0, 2]] *= (widest / radius)[..., None]
    fall, across = np.linspace(0, 1, HANGING + 1)[1:, None], _across()
    locks = clumps(2, style["phase"], across, across * 0)
    lowest = 7.05 - CENTER[1] - style["length"] * (1 + 0.22 * locks)  # of one height, wherever a strand begins
    drop = flat[-1, :, 1] * (1 - fall) + np.minimum(lowest, flat[-1, :, 1] - 0.05) * fall
    wave = style["wave"] * np.sin(9 * fall + 40 * style["phase"] + 5 * azimuth()) + 0.16 * locks * fall
    spread = 1 + style["flare"] * fall - 0.22 * fall**4 + wave * fall
    tips = np.stack([flat[-1, :, 0] * spread, drop, flat[-1, :, 2] * spread], -1)
    tips[..., 2] += 0.12 * fall * step(2.0, 1.2, np.abs(azimuth()))  # over the shoulders, to the front
    whole = (np.concatenate([flat, tips]) + CENTER).astype(np.float32)
    along = np.concatenate([np.broadcast_to(np.linspace(0, 1, ROWS)[:, None], shade.shape), 1 + fall + 0 * drop])
    back = step(1.5, 2.4, np.abs(azimuth()))
    below = np.clip(0.85 + 0.6 * locks, 0.5, 1) * (1 - 0.5 * back * fall**0.5) * (1 - 0.1 * fall)
    corners = grid_corners(len(whole))
    gone = (corners.max(0) // COLUMNS >= ROWS) & (np.repeat(hangs[None], len(whole), 0).ravel()[corners] < 0.5).any(0)
    strands = np.concatenate([fray, step(0.55, 1, fall) + 0 * drop])
    return whole, along, np.concatenate([shade, below]), strands, corners[:, ~gone]


def bangs(shaped: np.ndarray, style: Mapping[str, Any], hat: bool) -> Surface:
    """Hair over the forehead; below a ``hat`` what is seen of it."""
    grid = fringe()
    points = grid.points(shaped)
    down = np.linspace(0, 1, BANGS)[:, None]
    across = np.broadcast_to(_across(), grid.elevation.shape)
    locks = clumps(2, style["phase"], across[:1], across[:1] * 0)
    off = 0.10 * np.sin(np.pi * np.clip(0.25 + 0.62 * down, 0, 1)) + 0.02
    off = off * (1 + 0.8 * clumps(0, style["phase"], across, down * 0.4) + 0.5 * locks * down)
    if hat:
        off = np.minimum(off, 0.03 + 0.1 * step(-0.02, -0.25, _above_band("fringe")))
    points += outwards(points) * off[..., None].astype(np.float32)
    lift = 0.16 * locks + style["bangs"] + 0.05 * np.cos(2.2 * azimuth())
    points[..., 1] += (down**2 * lift).astype(np.float32)
    corners = grid_corners(BANGS)
    seen = np.abs(azimuth())[corners % COLUMNS].max(0) < 1.0
    if hat:
        seen &= (_above_band("fringe").ravel()[corners] < UNDER_HAT).any(0)
    shade = np.clip(0.85 + 0.6 * locks, 0.5, 1) * (0.75 + 0.25 * down)
    return _surface(points, corners[:, seen], across, 0.5 + 0.6 * down, shade, step(0.62, 1, down))
