"""Heads from their looks to pixels: shape, hair and hat, pose, triangles to samples, paint, samples to pixels."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from datamodules.heads.glasses import glasses
from datamodules.heads.hair import HAIR, bangs, hair
from datamodules.heads.hats import beanie
from datamodules.heads.lighting import values
from datamodules.heads.mesh import PARTS, mesh, visibility_basis
from datamodules.heads.painting import PAINTS
from datamodules.heads.raster import Kept, raster
from datamodules.heads.scalp import Surface, above_band, above_hairline
from datamodules.heads.textures import STRANDS, reach

SAMPLES = 2  # a side of a pixel
ZOOM, MIDDLE = 0.34, -0.05  # of a decimetre, and of the eyes' distance from the centre, in sides of the picture
DEPTHS = (-2.5, 2.0)  # behind and in front of the head's middle, in decimetres
CAMERA = 9  # decimetres from the head
TONES = 2048  # of the table from light to bytes


def render(look: Mapping[str, Any], resolution: int) -> np.ndarray:
    """Draw a head, ``[3, resolution, resolution]`` uint8."""
    side = resolution * SAMPLES
    shaped = mesh().shaped(look["weights"])
    surfaces = worn(look, shaped)
    starts = np.cumsum([len(shaped), *(len(s.points) for s in surfaces)])
    shown, kinds = _shown(bool(look["style"]), bool(look["hat"]), look["teeth"])
    corners = np.concatenate([shown, *(s.corners + n for s, n in zip(surfaces, starts, strict=False))], 1)
    kinds = np.concatenate([kinds, *(np.full(s.corners.shape[1], s.kind, np.uint8) for s in surfaces)])
    points = np.concatenate([shaped, *(s.points for s in surfaces)]).astype(np.float32)
    turn = _turn(*look["pose"])
    placed = _placed(points, shaped, turn)
    seen = _projected(placed, look["shift"], side)
    samples = raster(seen, corners, side, kinds >= HAIR, _strands(surfaces, starts, corners, kinds), DEPTHS)
    mixed, kind = samples.of(corners, values(look, placed, surfaces, turn)), kinds.take(samples.triangle)
    picture = _background(look["background"], resolution)
    density = min(max(1 << (resolution - 1).bit_length(), 64), 256)
    for number, paint in enumerate(PAINTS):
        at = np.flatnonzero(kind == number)
        if len(at):
            picture[samples.place.take(at)] = paint(look, mixed.take(at, 0), density)
    picture = picture.reshape(resolution, SAMPLES, resolution, SAMPLES, 3)
    whole = (picture[:, 0, :, 0] + picture[:, 0, :, 1] + picture[:, 1, :, 0] + picture[:, 1, :, 1]) / SAMPLES**2
    tones = (np.sqrt(np.clip(whole, 0, 1)) * (TONES - 1)).astype(np.int32)
    return np.ascontiguousarray(_bytes().take(tones).transpose(2, 0, 1))


def worn(look: Mapping[str, Any], shaped: np.ndarray) -> list[Surface]:
    """The hair, the hat and the glasses of a head."""
    surfaces, hat = [], bool(look["hat"])
    if look["style"]:
        surfaces.append(hair(shaped, look["style"], hat))
        if look["bangs"]:
            surfaces.append(bangs(shaped, look["style"], hat))
    if look["hat"]:
        surfaces.append(beanie(shaped, look["hat"]))
    if look["glasses"]:
        surfaces.append(glasses(shaped, look["glasses"]))
    return surfaces


@functools.cache
def _shown(hair: bool, hat: bool, teeth: bool) -> tuple[np.ndarray, np.ndarray]:
    """The triangles that can be seen from the front, the inside of the mouth among them: corners ``[3, t]``, kinds."""
    body = mesh()
    turned = np.array([(x, y, 1) for x in (-0.6, -0.3, 0, 0.3, 0.6) for y in (-0.35, 0, 0.35)])
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    seen = (body.seen @ visibility_basis(turned).T).max(1)
    x, y, z = body.rest.T
    mouth = (np.abs(x) < 0.45) & (y > 6.1) & (y < 7.0) & (z > 0.3)
    ear = (np.abs(x) > 0.69) & (y < 7.6) & (z > 0)
    covered = ((above_hairline() > 0.2) & hair | (above_band() > 0.25) & hat) & ~ear
    chosen = ((seen > 0.12) | mouth)[body.corners].any(0) & ~covered[body.corners].all(0)
    if not teeth:  # a broad smile moves lips and chin into the teeth behind them
        chosen &= ~np.isin(body.kinds, [PARTS.index(part) for part in ("teeth", "tongue")])
    return np.ascontiguousarray(body.corners[:, chosen]), body.kinds[chosen]


def _turn(yaw: float, pitch: float, roll: float) -> np.ndarray:
    (cy, cp, cr), (sy, sp, sr) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    across = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return np.asarray(np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]]) @ nod @ across, np.float32)


def _placed(points: np.ndarray, shaped: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Points around the head's middle, the head turned and the shoulders not, ``[v, 3]``."""
    center = shaped[mesh().part == 1].mean(0) + np.array([0, -0.12, -0.8], np.float32)
    placed = points - center
    bend = np.clip((points[:, 1:2] - np.float32(5.4)) / np.float32(0.9), 0, 1)
    return np.asarray(placed + bend * (placed @ turn.T - placed))


def _projected(placed: np.ndarray, shift: tuple[float, float], side: int) -> np.ndarray:
    """Samples to the right and down, and depth, ``[v, 3]``."""
    seen, scale = placed.copy(), np.float32(side * ZOOM * CAMERA) / (CAMERA - placed[:, 2])
    seen[:, 0] = side * (0.5 + shift[0]) + scale * placed[:, 0]
    seen[:, 1] = side * (0.5 - MIDDLE + shift[1]) - scale * placed[:, 1]
    return seen


def _strands(surfaces: list[Surface], starts: np.ndarray, corners: np.ndarray, kinds: np.ndarray) -> Kept | None:
    """What leaves out the samples between single strands, at the ends of hair."""
    if not surfaces or surfaces[0].kind != HAIR:
        return None
    fray, across = np.zeros((2, starts[-1]), np.float32)
    for surface, start, end in zip(surfaces, starts, starts[1:], strict=False):
        fray[start:end], across[start:end] = surface.fray, surface.across
    frayed = np.zeros(len(kinds), bool)
    hairy = np.flatnonzero(kinds == HAIR)
    frayed[hairy] = (fray[corners[:, hairy]] > 0).any(0)

    def kept(triangle: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        some = np.flatnonzero(frayed.take(triangle))
        u, v, (a, b, c) = u.take(some), v.take(some), corners[:, triangle.take(some)]
        gone, at = (w.take(a) + u * (w.take(b) - w.take(a)) + v * (w.take(c) - w.take(a)) for w in (fray, across))
        whole = np.ones(len(triangle), bool)
        whole[some] = gone <= reach().take((at * STRANDS[0]).astype(np.int32) % STRANDS[0])
        return whole

    return kept


@functools.cache
def _spread(side: int) -> np.ndarray:
    """Weights of four values along a side, ``[side, 4]``."""
    at = np.linspace(0, 2.999, side)
    low, t = at.astype(int), at % 1
    t = t * t * (3 - 2 * t)  # no edge where two pieces meet
    spread = np.zeros((side, 4), np.float32)
    spread[np.arange(side), low], spread[np.arange(side), low + 1] = 1 - t, t
    return spread


def _background(grid: np.ndarray, resolution: int) -> np.ndarray:
    """A soft background of colours ``[4, 4, 3]``, for every sample ``[n, 3]``."""
    spread = _spread(resolution)
    rows = (spread @ np.asarray(grid, np.float32).reshape(4, 12)).reshape(resolution, 4, 3)
    pixels = np.matmul(spread, rows)
    return np.repeat(np.repeat(pixels, SAMPLES, 0), SAMPLES, 1).reshape(-1, 3)


@functools.cache
def _bytes() -> np.ndarray:
    """From the square root of light to bytes."""
    root = (np.arange(TONES) + 0.5) / TONES
    return np.asarray((root ** (2 / 2.2) * 255 + 0.5).astype(np.uint8))
