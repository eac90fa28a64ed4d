"""The mesh of a head and its targets: which vertex each target moves, and whereto (``datamodules/heads/NOTICE.md``).

This module must not import torch, because worker processes import it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

PARTS = ("skin", "eye", "teeth", "tongue", "lashes")
VERTEX_STEP = 1 / 2048
TARGET_STEP = 1 / 8192
SEEN_STEP = 1 / 32


def visibility_basis(directions: np.ndarray) -> np.ndarray:
    """Real spherical harmonics up to degree 3 of unit vectors ``[n, 3]``: ``[n, 16]``."""
    x, y, z = np.asarray(directions).T
    return np.stack(
        [
            0.282095 * np.ones_like(x),
            0.488603 * y,
            0.488603 * z,
            0.488603 * x,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z * z - 1),
            1.092548 * x * z,
            0.546274 * (x * x - y * y),
            0.590044 * y * (3 * x * x - y * y),
            2.890611 * x * y * z,
            0.457046 * y * (5 * z * z - 1),
            0.373176 * z * (5 * z * z - 3),
            0.457046 * x * (5 * z * z - 1),
            1.445306 * z * (x * x - y * y),
            0.590044 * x * (x * x - 3 * y * y),
        ],
        1,
    )


@dataclass(frozen=True)
class Mesh:
    """The mesh at rest and its targets.

    Attributes:
        rest: vertices, x to the person's left, y up, z to the front, in decimetres, ``[v, 3]`` float32.
        part: of each vertex, an index into :data:`PARTS`, ``[v]``.
        corners: of the triangles, ``[3, t]``.
        kinds: part of each triangle, ``[t]``.
        targets: name -> whereto it moves the vertices, ``[v, 3]`` float32.
        seen: the directions in which a vertex sees out of the head, in spherical harmonics, ``[v, 16]``.
        around: four neighbours of each vertex, in order round it, ``[4, v]``.
    """

    rest: np.ndarray
    part: np.ndarray
    corners: np.ndarray
    kinds: np.ndarray
    targets: Mapping[str, np.ndarray]
    seen: np.ndarray
    around: np.ndarray

    def shaped(self, weights: Mapping[str, float]) -> np.ndarray:
        """The vertices with targets applied, ``[v, 3]`` float32.

        Sums are element by element, so that a head is the same alone and in a chunk.
        """
        points, part = self.rest.copy(), np.empty_like(self.rest)
        for name, weight in weights.items():
            if weight:
                np.multiply(self.targets[name], np.float32(weight), out=part)
                np.add(points, part, out=points)
        return points

    def normals(self, points: np.ndarray) -> np.ndarray:
        """Unit normals of the vertices, ``[v, 3]`` float32: across the diagonals of their neighbours."""
        a, b, c, d = (points.take(some, 0) for some in self.around)
        return unit(cross(c - a, d - b))


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross products of ``[n, 3]``; NumPy's own takes three times as long."""
    ax, ay, az = a.T
    bx, by, bz = b.T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], 1)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors ``[n, 3]`` at length one."""
    x, y, z = vectors.T
    return np.asarray(vectors / np.sqrt(x * x + y * y + z * z + np.float32(1e-12))[:, None])


@functools.cache
def mesh() -> Mesh:
    """The mesh of the pack that comes with Facet."""
    with files("datamodules.heads").joinpath("pack.npz").open("rb") as file, np.load(file) as pack:
        held = {name: pack[name] for name in pack.files}
    quads, rest = held["quads"].astype(np.intp), held["vertices"].astype(np.float32) * np.float32(VERTEX_STEP)
    whereto = np.ascontiguousarray(held["delta"].T).astype(np.float32) * np.float32(TARGET_STEP)
    moved, ends = held["index"].astype(np.intp), held["ends"]
    targets = {"second-chin": second_chin(rest)}
    for name, start, end in zip(held["names"], ends[:-1], ends[1:], strict=True):
        targets[str(name)] = np.zeros_like(rest)
        targets[str(name)][moved[start:end]] = whereto[start:end]
    part = np.zeros(len(rest), np.uint8)
    part[quads] = held["parts"][:, None]
    a, b, c, d = quads.T
    return Mesh(
        rest=rest,
        part=part,
        corners=np.stack([np.concatenate([a, a]), np.concatenate([b, c]), np.concatenate([c, d])]),
        kinds=np.concatenate([held["parts"], held["parts"]]),
        targets=targets,
        seen=held["seen"].astype(np.float32) * np.float32(SEEN_STEP),
        around=neighbours(quads, len(rest)),
    )


def second_chin(rest: np.ndarray) -> np.ndarray:
    """A target of our own: the throat below the chin stands out, ``[v, 3]`` float32. MakeHuman's is seen from aside."""
    return np.asarray(throat(rest)[:, None] * np.array([0, -0.08, 0.46]), np.float32)


def throat(rest: np.ndarray) -> np.ndarray:
    """How far vertices at rest belong to the throat below the chin, from 0 to 1, ``[v]``."""
    x, y, z = rest.T
    amount = np.exp(-(((y - 5.98) / 0.13) ** 2) - (x / 0.42) ** 4) * np.clip((1.25 - z) / 0.4, 0, 1) * (z > 0.35)
    return np.asarray(np.where(amount > 0.02, amount, 0), np.float32)


def neighbours(quads: np.ndarray, count: int) -> np.ndarray:
    """Four neighbours of each vertex, in order round it, ``[4, count]``."""
    after: list[dict[int, int]] = [{} for _ in range(count)]  # of each vertex: neighbour -> the next one round it
    for quad in quads.tolist():
        for i, vertex in enumerate(quad):
            after[vertex][quad[(i + 1) % 4]] = quad[i - 1]
    found = np.zeros((4, count), np.intp)
    for vertex, following in enumerate(after):
        start = next(iter(following.keys() - set(following.values())), next(iter(following)))  # an open ring's end
        ring = [start]
        while (last := following.get(ring[-1])) is not None and last != start and len(ring) <= len(following):
            ring.append(last)
        ring = ring if len(ring) > 3 else [vertex, *ring, ring[0]]
        found[:, vertex] = [ring[i * len(ring) // 4] for i in range(4)]
    return found
