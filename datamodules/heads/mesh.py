"""The mesh of a head and its targets: which vertex each target moves, and whereto. ``NOTICE.md`` has the source.

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
        quads: corners of the faces, ``[q, 4]``.
        part: of each vertex, an index into :data:`PARTS`, ``[v]``.
        corners: of the triangles, ``[t, 3]``.
        kinds: part of each triangle, ``[t]``.
        targets: name -> (the vertices it moves ``[m]``, whereto ``[m, 3]`` float32).
        seen: the directions in which a vertex sees out of the head, in spherical harmonics, ``[v, 16]``.
        around: the quads of each vertex, one vertex after the other.
        first: where each vertex begins in ``around``, ``[v]``.
    """

    rest: np.ndarray
    quads: np.ndarray
    part: np.ndarray
    corners: np.ndarray
    kinds: np.ndarray
    targets: Mapping[str, tuple[np.ndarray, np.ndarray]]
    seen: np.ndarray
    around: np.ndarray
    first: np.ndarray

    def shaped(self, weights: Mapping[str, float]) -> np.ndarray:
        """The vertices with targets applied, ``[v, 3]`` float32.

        Sums are element by element, so that a head is the same on every machine, alone or in a chunk.
        """
        points = self.rest.copy()
        for name, weight in weights.items():
            if weight:
                moved, whereto = self.targets[name]
                if len(moved) == len(points):
                    points += np.float32(weight) * whereto
                else:
                    points[moved] += np.float32(weight) * whereto
        return points

    def normals(self, points: np.ndarray) -> np.ndarray:
        """Unit normals of the vertices, ``[v, 3]`` float32."""
        a, b, c, d = (points[self.quads[:, i]] for i in range(4))
        return unit(np.add.reduceat(cross(c - a, d - b)[self.around], self.first))


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
    targets = {}
    for name, start, end in zip(held["names"], ends[:-1], ends[1:], strict=True):
        some = moved[start:end]
        targets[str(name)] = (some, whereto[start:end])
        if 2 * len(some) > len(rest):  # as fast as all vertices, without picking them
            every = np.zeros_like(rest)
            every[some] = whereto[start:end]
            targets[str(name)] = (np.arange(len(rest)), every)
    flat = quads.ravel()
    order = np.argsort(flat, kind="stable")
    part = np.zeros(len(rest), np.uint8)
    part[quads] = held["parts"][:, None]
    return Mesh(
        rest=rest,
        quads=quads,
        part=part,
        corners=np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]),
        kinds=np.concatenate([held["parts"], held["parts"]]),
        targets=targets,
        seen=held["seen"].astype(np.float32) * np.float32(SEEN_STEP),
        around=order // 4,
        first=np.searchsorted(flat[order], np.arange(len(rest))),
    )
