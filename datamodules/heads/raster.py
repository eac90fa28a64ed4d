"""Triangles to samples: which triangle lies in front at each sample of a picture, and where in the triangle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DEPTHS = np.float32(65_535)


@dataclass(frozen=True)
class Samples:
    """The samples of a picture that a triangle covers.

    Attributes:
        place: position in the flattened picture, ``[n]``, each once.
        triangle: the foremost triangle there, ``[n]``.
        weights: its barycentric coordinates there, ``[n, 3]`` float32.
    """

    place: np.ndarray
    triangle: np.ndarray
    weights: np.ndarray

    def of(self, corners: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Values of vertices ``[v, k]`` interpolated at the samples, ``[n, k]``; ``corners`` are ``[t, 3]``."""
        at = corners[self.triangle]

        mixed: np.ndarray = values[at[:, 0]] * self.weights[:, :1]
        mixed += values[at[:, 1]] * self.weights[:, 1:2]
        mixed += values[at[:, 2]] * self.weights[:, 2:]
        return mixed

    def subset(self, chosen: np.ndarray) -> Samples:
        """Some of the samples, by their mask or positions."""
        return Samples(self.place[chosen], self.triangle[chosen], self.weights[chosen])


def facing(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Twice the signed area of each triangle in the picture, ``[t]``: positive where its front is seen."""
    x, y = points[:, 0], points[:, 1]
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    xa, ya = x[a], y[a]
    twice: np.ndarray = (x[c] - xa) * (y[b] - ya) - (x[b] - xa) * (y[c] - ya)
    return twice


def raster(points: np.ndarray, corners: np.ndarray, side: int) -> Samples:
    """The foremost triangle at each sample of a picture.

    Args:
        points: x to the right and y down in samples, and depth, larger is nearer, ``[v, 3]`` float32.
        corners: of the triangles, ``[t, 3]``.
        side: of the picture in samples.
    """
    x, y, z = (np.ascontiguousarray(points[:, axis])[corners] for axis in range(3))
    left, right = _ends(x)
    top, bottom = _ends(y)
    x0 = np.clip(np.ceil(left - 0.5), 0, side).astype(np.int32)
    y0 = np.clip(np.ceil(top - 0.5), 0, side).astype(np.int32)
    width = np.clip(np.ceil(right - 0.5), 0, side).astype(np.int32) - x0
    height = np.clip(np.ceil(bottom - 0.5), 0, side).astype(np.int32) - y0
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    kept = np.flatnonzero((width > 0) & (height > 0) & (np.abs(area) > 1e-7))
    x, y, z, x0, y0, width = x[kept], y[kept], z[kept], x0[kept], y0[kept], width[kept]
    # Barycentric coordinates are affine in the picture: value at the box's corner, and a step per sample each way.
    inverse = 1 / area[kept]
    right_u, right_v = (y[:, 2] - y[:, 0]) * inverse, (y[:, 0] - y[:, 1]) * inverse
    down_u, down_v = (x[:, 0] - x[:, 2]) * inverse, (x[:, 1] - x[:, 0]) * inverse
    from_x, from_y = x0 + np.float32(0.5) - x[:, 0], y0 + np.float32(0.5) - y[:, 0]
    coordinates = np.stack(
        [
            from_x * right_u + from_y * down_u,
            right_u,
            down_u,
            from_x * right_v + from_y * down_v,
            right_v,
            down_v,
        ]
    ).astype(np.float32)
    boxes = width * height[kept]
    owner = np.repeat(np.arange(len(kept), dtype=np.int32), boxes)
    within = np.arange(len(owner), dtype=np.int32) - np.repeat(np.cumsum(boxes, dtype=np.int32) - boxes, boxes)
    row = (within / width[owner]).astype(np.int32)  # exact: both are small
    column = within - row * width[owner]
    start_u, right_u, down_u, start_v, right_v, down_v = coordinates[:, owner]
    u = start_u + column * right_u + row * down_u
    v = start_v + column * right_v + row * down_v
    inside = np.flatnonzero((u >= 0) & (v >= 0) & (u + v <= 1))
    u, v, owner = u[inside].astype(np.float32), v[inside].astype(np.float32), owner[inside]
    place = (y0[owner] + row[inside]) * side + x0[owner] + column[inside]
    depth = z[:, 0][owner]
    depth += u * (z[:, 1] - z[:, 0])[owner]
    depth += v * (z[:, 2] - z[:, 0])[owner]
    order = _by_depth(depth)
    front = np.full(side * side, -1, np.int32)
    front[place[order]] = order  # of several writes to a place, the last holds: the nearest
    place = np.flatnonzero(front >= 0)
    chosen = front[place]
    u, v = u[chosen], v[chosen]
    return Samples(place, kept[owner[chosen]], np.stack([1 - u - v, u, v], 1))


def _ends(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest of three corners, ``[t, 3]``; NumPy's reduction along a short axis is slow."""
    a, b, c = values.T
    return np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)


def _by_depth(depth: np.ndarray) -> np.ndarray:
    """Positions from far to near, ``[n]`` int32. NumPy sorts 16-bit numbers by radix, four times as fast."""
    if not len(depth):
        return np.zeros(0, np.int32)
    low = depth.min()
    scale = DEPTHS / max(float(depth.max() - low), 1e-6)
    return np.argsort(((depth - low) * scale).astype(np.uint16), kind="stable").astype(np.int32)
