"""Glasses: rims, bridge and temples as tubes, placed by the eyes and the ears of the head that wears them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from datamodules.heads.mesh import cross, mesh
from datamodules.heads.scalp import Surface

FRAME = 7
AROUND = 28  # points of a rim


@functools.cache
def _anchors() -> tuple[int, int]:
    """The vertices where the temples end, above the ears: right and left."""
    rest = mesh().rest
    right, left = (int(((rest - [x, 7.4, 0.5]) ** 2).sum(1).argmin()) for x in (-0.72, 0.72))
    return right, left


def glasses(shaped: np.ndarray, frame: Mapping[str, Any]) -> Surface:
    """Glasses on a head: ``width``, ``height``, ``power`` (2: round, more: square) and ``thickness`` of the rims."""
    rest, eyes = mesh().rest, mesh().part == 1
    turn = np.linspace(0, 2 * np.pi, AROUND + 1)
    unit = [np.sign(f) * np.abs(f) ** (2 / frame["power"]) for f in (np.cos(turn), np.sin(turn))]
    lines, inner, outer = [], [], []
    for sign, ear in zip((-1, 1), _anchors(), strict=True):
        eye = shaped[eyes & (np.sign(rest[:, 0]) == sign)]
        x, y, z = eye[:, 0].mean() + 0.02 * sign, eye[:, 1].mean() - 0.035, eye[:, 2].max() + 0.16
        rim = np.stack([x + frame["width"] * unit[0], y + frame["height"] * unit[1], 0 * turn + z], 1)
        rim[:, 2] -= 0.28 * (rim[:, 0] ** 2 - (x - sign * frame["width"]) ** 2)
        lines.append(rim)
        at = y + 0.4 * frame["height"]
        inner.append([x - sign * frame["width"] * 0.97, at, z])
        hinge = [x + sign * frame["width"], at, rim[:, 2].min()]
        end = shaped[ear] + np.array([0.05 * sign, 0.0, -0.05])
        outer.append(np.linspace(hinge, end, 5))
        outer[-1][1:4, 0] += 0.06 * sign
    bridge = np.linspace(inner[0], inner[1], 7)
    bridge[:, 1] += 0.03 * np.sin(np.linspace(0, np.pi, 7))
    bridge[:, 2] += 0.03
    tubes = [_tube(line, frame["thickness"]) for line in (*lines, bridge, *outer)]
    starts = np.cumsum([0, *(len(points) for points, _ in tubes)])
    corners = np.concatenate([some + start for (_, some), start in zip(tubes, starts, strict=False)], 1)
    points = np.concatenate([points for points, _ in tubes]).astype(np.float32)
    none = np.zeros(len(points))
    return Surface(points, corners, none, none, none + 1, none, FRAME)


def _tube(line: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """A tube with four sides along a line ``[n, 3]``: points, and corners ``[3, t]``."""
    ahead = np.gradient(line, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-9
    aside = cross(ahead, np.broadcast_to([0.1, 0.2, 1], ahead.shape))
    aside /= np.linalg.norm(aside, axis=1, keepdims=True) + 1e-9
    up = cross(aside, ahead)
    ring = np.stack([line + radius * way for way in (aside, up, -aside, -up)], 1)
    n = len(line)
    i = np.arange(n - 1)[:, None] * 4 + np.arange(4)
    j = np.arange(n - 1)[:, None] * 4 + (np.arange(4) + 1) % 4
    a, b, c, d = i.ravel(), j.ravel(), j.ravel() + 4, i.ravel() + 4
    return ring.reshape(-1, 3), np.stack([np.concatenate([a, a]), np.concatenate([b, c]), np.concatenate([c, d])])
