"""Light at each vertex: a lamp with soft shadows of the head upon itself, and the sky."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from datamodules.heads.glasses import FRAME
from datamodules.heads.mesh import cross, mesh, throat, unit, visibility_basis
from datamodules.heads.scalp import COLUMNS, Surface, above_band, above_hairline

WRAP = np.array([0.32, 0.16, 0.10], np.float32)
"""How far red, green and blue light reach round into the shadow, inside the skin."""


def values(look: Mapping[str, Any], placed: np.ndarray, surfaces: list[Surface], turn: np.ndarray) -> np.ndarray:
    """What is interpolated between vertices ``[v, 8]``: light (3), highlight, and the four of
    :data:`datamodules.heads.painting.Paint`.

    Args:
        look: of the head.
        placed: all vertices after the turn, those of the mesh first, ``[v, 3]``.
        surfaces: of hair, hat and glasses, in the order of their vertices.
        turn: the turn, ``[3, 3]``.
    """
    light = np.asarray(look["light"], np.float32)
    half = unit((light + np.array([0, 0, 1], np.float32))[None])[0]
    found, start = np.empty((len(placed), 8), np.float32), len(mesh().rest)
    _on_head(look, placed[:start], light, half, turn, found[:start])
    for surface in surfaces:
        end = start + len(surface.points)
        if surface.kind == FRAME:
            found[start:end] = look["key"] * 0.5 + look["ambient"]
        else:
            _on_strands(look, surface, placed[start:end], light, half, found[start:end])
        start = end
    return found


@functools.cache
def _sky() -> np.ndarray:
    """The share of the sky that a vertex sees, ``[v, 1]``."""
    return np.asarray(np.clip(mesh().seen[:, :1] * np.float32(0.282 / 0.47), 0, 1))


@functools.cache
def _throat() -> np.ndarray:
    return np.asarray(np.sqrt(throat(mesh().rest))[:, None])


@functools.cache
def _shades(kind: str) -> np.ndarray:
    """What is left of the light below the edge of hair or a hat, ``[v, 1]``."""
    below = -above_hairline() / 0.12 if kind == "hair" else -above_band() / 0.2
    dark = 0.3 if kind == "hair" else 0.45
    return np.asarray(1 - dark * np.exp(-(np.maximum(below, 0) ** 2)), np.float32)[:, None]


def _on_head(
    look: Mapping[str, Any], placed: np.ndarray, light: np.ndarray, half: np.ndarray, turn: np.ndarray, out: np.ndarray
) -> None:
    body, normal = mesh(), mesh().normals(placed)
    reach = np.clip(body.seen @ visibility_basis((light @ turn)[None])[0].astype(np.float32), 0, 1)
    reach *= reach * (3 - 2 * reach)
    ambient = (0.75 + 0.25 * normal[:, 1:2]) * _sky() * np.float32(look["ambient"])
    lit = np.clip(((normal @ light)[:, None] + WRAP) / (1 + WRAP), 0, 1) * (reach * np.float32(look["key"]))[:, None]
    lit += ambient
    if look["fold"]:  # the shadows are those of the head at rest, but a second chin stands out of them
        lit += _throat() * np.float32(0.3 * look["fold"] * (look["key"] + look["ambient"]))
    for kind, worn in (("hair", look["style"]), ("hat", look["hat"])):
        if worn:
            lit *= _shades(kind)
    out[:, :3] = lit
    out[:, 3] = _power(np.clip(normal @ half, 0, 1), 24) * reach
    out[:, 4:7] = body.rest
    out[:, 7] = above_hairline()


def _on_strands(
    look: Mapping[str, Any],
    surface: Surface,
    placed: np.ndarray,
    light: np.ndarray,
    half: np.ndarray,
    out: np.ndarray,
) -> None:
    grid = placed.reshape(-1, COLUMNS, 3)
    down, around = np.empty_like(grid), np.empty_like(grid)
    down[1:-1], down[0], down[-1] = grid[2:] - grid[:-2], grid[1] - grid[0], grid[-1] - grid[-2]
    around[:, 1:-1] = grid[:, 2:] - grid[:, :-2]
    around[:, [0, -1]] = (grid[:, 1] - grid[:, -2])[:, None]
    tangent = unit(down.reshape(-1, 3))
    normal = unit(cross(tangent, around.reshape(-1, 3)))
    along, shade = tangent @ half, surface.shade.astype(np.float32)
    lit = np.clip((normal @ light + np.float32(0.35)) / np.float32(1.35), 0.05, 1) * np.float32(look["key"])
    lit += np.float32(look["ambient"]) * (np.float32(0.7) + np.float32(0.3) * normal[:, 1])
    out[:, :3] = (lit * shade)[:, None]
    out[:, 3] = _power(1 - along * along, 14) * shade
    out[:, 4], out[:, 5], out[:, 6:] = surface.across, surface.along, 0


def _power(base: np.ndarray, exponent: int) -> np.ndarray:
    """A whole power by squares: NumPy's own takes ten times as long."""
    result = np.ones_like(base)
    while exponent:
        if exponent % 2:
            result *= base
        base, exponent = base * base, exponent // 2
    return result
