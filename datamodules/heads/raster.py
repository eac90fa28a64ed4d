"""Triangles to samples: which triangle lies in front at each sample of a picture, and where in the triangle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

STEPS = 65_535  # of depth
SMALLEST = np.float32(1e-6)  # twice the area of a triangle that is drawn, in samples

Kept = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Triangles and their second and third barycentric coordinates, ``[n]`` each -> whether each is opaque there."""


@dataclass(frozen=True)
class Samples:
    """The samples of a picture that a triangle covers.

    Attributes:
        place: position in the flattened picture, ``[n]``, each once.
        triangle: the foremost triangle there, ``[n]``.
        weights: its barycentric coordinates there, ``[3, n, 1]`` float32.
    """

    place: np.ndarray
    triangle: np.ndarray
    weights: np.ndarray

    def of(self, corners: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Values of vertices ``[v, k]`` interpolated at the samples, ``[n, k]``; ``corners`` are ``[3, t]``."""
        mixed: np.ndarray = values.take(corners[0].take(self.triangle), 0) * self.weights[0]
        for corner, weight in zip(corners[1:], self.weights[1:], strict=True):
            mixed += values.take(corner.take(self.triangle), 0) * weight
        return mixed


def raster(
    points: np.ndarray,
    corners: np.ndarray,
    side: int,
    backs: np.ndarray | None = None,
    kept: Kept | None = None,
    depths: tuple[float, float] | None = None,
) -> Samples:
    """The foremost triangle at each sample of a picture.

    Args:
        points: x to the right and y down in samples, and depth, larger is nearer, ``[v, 3]`` float32.
        corners: of the triangles, ``[3, t]``.
        side: of the picture in samples.
        backs: triangles that are seen from the back too, ``[t]``; all if None.
        kept: what says where a triangle is opaque; everywhere if None.
        depths: least and greatest depth that are told apart. As they are in this picture if None: then a point that
            moves may change which of two others is found to be nearer.
    """
    columns = [np.ascontiguousarray(points[:, axis]) for axis in range(3)]
    (xa, xb, xc), (ya, yb, yc) = ([some.take(corner) for corner in corners] for some in columns[:2])
    area = (xc - xa) * (yb - ya) - (xb - xa) * (yc - ya)
    front = area > SMALLEST
    chosen = np.flatnonzero(front | (area < -SMALLEST) & (True if backs is None else backs))
    xa, xb, xc, ya, yb, yc = (some.take(chosen) for some in (xa, xb, xc, ya, yb, yc))
    x0, width = _span(xa, xb, xc, side)
    y0, height = _span(ya, yb, yc, side)
    some = np.flatnonzero((width > 0) & (height > 0))
    chosen = chosen.take(some)
    xa, xb, xc, ya, yb, yc, x0, y0, width, height = (
        one.take(some) for one in (xa, xb, xc, ya, yb, yc, x0, y0, width, height)
    )
    za, zb, zc = (columns[2].take(corner.take(chosen)) for corner in corners)
    # Barycentric coordinates are affine in the picture: value at the box's corner, and a step per sample each way.
    inverse = -1 / area.take(chosen)
    right_u, right_v = (yc - ya) * inverse, (ya - yb) * inverse
    down_u, down_v = (xa - xc) * inverse, (xb - xa) * inverse
    from_x, from_y = x0 + np.float32(0.5) - xa, y0 + np.float32(0.5) - ya
    start_u, start_v = from_x * right_u + from_y * down_u, from_x * right_v + from_y * down_v
    boxes = width * height
    owner = np.repeat(np.arange(len(chosen), dtype=np.int32), boxes)
    within = np.arange(len(owner), dtype=np.int32) - np.repeat(np.cumsum(boxes, dtype=np.int32) - boxes, boxes)
    wide = width.take(owner)
    row = (within / wide.astype(np.float32)).astype(np.int32)  # exact: both are small
    column = within - row * wide
    across, down = column.astype(np.float32), row.astype(np.float32)
    u = across * right_u.take(owner)
    u += down * down_u.take(owner)
    u += start_u.take(owner)
    v = across * right_v.take(owner)
    v += down * down_v.take(owner)
    v += start_v.take(owner)
    inside = np.flatnonzero((np.minimum(u, v) >= 0) & (u + v <= 1))
    u, v, owner = u.take(inside), v.take(inside), owner.take(inside)
    place = (y0 * side + x0).take(owner) + row.take(inside) * side + column.take(inside)
    if kept is not None:
        opaque = np.flatnonzero(kept(chosen.take(owner), u, v))
        u, v, owner, place = u.take(opaque), v.take(opaque), owner.take(opaque), place.take(opaque)
    depth = za.take(owner) + u * (zb - za).take(owner) + v * (zc - za).take(owner)
    order = _by_depth(depth, *(depths or (float(depth.min(initial=0)), float(depth.max(initial=1)))))
    first = np.full(side * side, -1, np.int32)
    first[place.take(order)] = order  # of several writes to a place, the last holds: the nearest
    place = np.flatnonzero(first >= 0)
    nearest = first.take(place)
    u, v = u.take(nearest), v.take(nearest)
    return Samples(place, chosen.take(owner.take(nearest)), np.stack([1 - u - v, u, v])[..., None])


def _span(a: np.ndarray, b: np.ndarray, c: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The first sample of triangles along an axis, and their number, ``[t]`` int32 each."""
    half = np.float32(0.5)
    low, high = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
    first = np.clip(np.ceil(low - half), 0, side).astype(np.int32)
    return first, np.clip(np.ceil(high - half), 0, side).astype(np.int32) - first


def _by_depth(depth: np.ndarray, low: float, high: float) -> np.ndarray:
    """Positions from far to near, ``[n]`` int32. NumPy sorts 16-bit numbers by radix, four times as fast."""
    steps = np.clip((depth - np.float32(low)) * np.float32(STEPS / (high - low)), 0, STEPS)
    return np.argsort(steps.astype(np.uint16), kind="stable").astype(np.int32)
