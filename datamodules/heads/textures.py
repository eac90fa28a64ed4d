"""Tables that are looked up for each sample of a head: noise, and what is painted on the skin.

The skin's tables are laid over the face at rest as seen from the front: x from -1.1 to 1.1, y from 5.5 to 8.6. They
move with the face, whatever its expression. The left half mirrors the right one, but for the noise.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np

LEFT, LOW, WIDE, HIGH = -1.1, 5.5, 2.2, 3.1  # of the skin's tables, in decimetres
EYE = (0.308, 7.284)  # the centre of an eye at rest
MOUTH = 6.607  # height of the line between the lips
STRANDS = (1024, 256)
"""Size of the tables of hair: across the strands, along them."""


def step(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """A smooth step from 0 at ``low`` to 1 at ``high``, which may be the smaller."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def spot(x: np.ndarray, y: np.ndarray, at: tuple[float, float], size: tuple[float, float]) -> np.ndarray:
    """A soft spot."""
    return np.exp(-(((x - at[0]) / size[0]) ** 2) - ((y - at[1]) / size[1]) ** 2)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> np.ndarray:
    """Periodic noise from 0 to 1 with so many cells each way."""
    values = rng.random(cells)
    for axis in (0, 1):
        at = np.arange(shape[axis]) * cells[axis] / shape[axis]
        low = at.astype(int)
        t = (at - low) ** 2 * (3 - 2 * (at - low))
        t = t[:, None] if axis == 0 else t
        a, b = np.take(values, low % cells[axis], axis), np.take(values, (low + 1) % cells[axis], axis)
        values = a * (1 - t) + b * t
    return values


@functools.cache
def skin(density: int) -> Mapping[str, np.ndarray]:
    """What is painted on the skin, with so many points a decimetre: tables ``[rows, columns]`` from 0 to 1, as uint8.

    ``brow`` is highest at its middle: a threshold makes it wide or narrow.
    """
    rng, shape = np.random.default_rng(7), table_size(density)
    y = (LOW + (np.arange(shape[0]) + 0.5) / density)[:, None]
    x = np.abs(LEFT + (np.arange(shape[1]) + 0.5) / density)[None, :]
    octaves = [smooth_noise(rng, shape, (9 * 2**i, 6 * 2**i)) for i in range(5)]
    bristles = [smooth_noise(rng, shape, cells) for cells in ((496, 352), (82, 176))]
    fields = {
        "grain": 0.35 * octaves[1] + 0.3 * octaves[2] + 0.2 * octaves[3] + 0.15 * octaves[4],
        "bristle": 0.5 * bristles[0] + 0.5 * bristles[1],
        "brow": _brow(x, y),
        "lips": _lips(x, y),
        "blush": spot(x, y, (0.43, 6.98), (0.19, 0.16)),
        "bags": _bags(x, y),
        "lines": _lines(x, y),
        "chin": _double_chin(x, y),
        "lid": spot(x, y, (EYE[0], 7.39), (0.17, 0.05)) + 0.5 * spot(x, y, (0.19, 7.36), (0.06, 0.06)),
        "nostril": spot(x, y, (0.075, 6.865), (0.035, 0.022)),
        **_facial_hair(x, y),
    }
    return {name: _bytes(np.broadcast_to(field, shape)) for name, field in fields.items()}


def table_size(density: int) -> tuple[int, int]:
    """Rows and columns of the skin's tables."""
    return round(HIGH * density), round(WIDE * density)


def _bytes(field: np.ndarray) -> np.ndarray:
    return np.asarray((np.clip(field, 0, 1) * 255 + 0.5).astype(np.uint8))


def _bags(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Half moons below the eyes: a soft shadow, and a line where it ends."""
    shadow = _crescent(x, y, 7.15, 0.055) + 0.4 * spot(x, y, (0.2, 7.2), (0.07, 0.07))
    return np.asarray(0.6 * shadow + 0.55 * _crescent(x, y, 7.085, 0.018))


def _double_chin(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The fold between a chin and a second one."""
    line = 6.135 + 0.5 * x**2
    return np.asarray(np.exp(-(((y - line) / 0.03) ** 2)) * step(0.44, 0.26, x))


def _brow(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """1 on the line of the brow, 0.5 at the edge of one of medium width."""
    along = (x - 0.13) / 0.40
    line = 7.445 + 0.06 * (1 - ((along - 0.62) / 0.62) ** 2)
    half = 0.036 * (1 - 0.55 * np.clip(along, 0, 1) ** 1.6)
    beyond = np.maximum(np.maximum(-along, along - 1), 0) * 10
    return np.asarray(np.clip(1 - 0.5 * np.hypot((y - line) / half, beyond), 0, 1))


def _lips(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    upper = MOUTH + 0.095 * np.clip(1 - (x / 0.245) ** 2, 0, 1) ** 0.75 - 0.018 * np.exp(-((x / 0.035) ** 2))
    lower = MOUTH - 0.112 * np.clip(1 - (x / 0.225) ** 2, 0, 1) ** 0.6
    edge = np.minimum(upper - y, y - lower)
    return np.asarray(step(-0.006, 0.014, edge) * step(0.26, 0.22, x))


def _crescent(x: np.ndarray, y: np.ndarray, low: float, width: float) -> np.ndarray:
    """The half moon below an eye."""
    line = low + 1.6 * (x - EYE[0]) ** 2
    return np.asarray(np.exp(-(((y - line) / width) ** 2)) * step(0.2, 0.12, np.abs(x - EYE[0])))


def _lines(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Lines of age: from the nose to the mouth's corners, at the outer corners of the eyes, over the forehead."""
    fold = 0.17 + 0.62 * (6.92 - y) - 0.6 * np.clip(6.92 - y, 0, 1) ** 2
    cheek = np.exp(-(((x - fold) / 0.026) ** 2)) * step(6.5, 6.6, y) * step(6.95, 6.88, y)
    crow: np.ndarray = sum(
        np.exp(-(((y - 7.27 - slope * (x - 0.47)) / 0.014) ** 2)) for slope in (-0.6, 0.0, 0.55)
    ) * step(0.48, 0.53, x) * step(0.68, 0.6, x)  # fmt: skip
    forehead: np.ndarray = sum(
        np.exp(-(((y - at - 0.05 * np.cos(4 * x)) / 0.014) ** 2)) for at in (7.62, 7.71, 7.8)
    ) * step(0.5, 0.3, x)  # fmt: skip
    below = _crescent(x, y, 7.12, 0.02)
    return np.asarray(np.clip(cheek + 0.7 * crow + 0.55 * forehead + 0.7 * below, 0, 1))


def _facial_hair(x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Where mustache, goatee and beard grow. Lips are left out where they are painted, so the fields may touch them."""
    line = 6.772 - 0.9 * np.clip(x - 0.04, 0, 1) ** 2
    mustache = step(1.35, 0.75, np.abs(y - line) / (0.075 - 0.09 * x)) * step(0.36, 0.27, x)
    mustache = mustache * (1 - 0.25 * np.exp(-((x / 0.025) ** 2)))
    chin = step(0.27, 0.17, x + 0.15 * np.clip(6.3 - y, 0, 1)) * step(6.515, 6.44, y) * step(5.98, 6.1, y)
    corner = np.exp(-(((x - 0.265) / 0.05) ** 4)) * step(6.74, 6.66, y) * step(6.3, 6.4, y)
    goatee = np.maximum(np.maximum(mustache, chin), corner)
    edge = np.interp(x[0], [0, 0.2, 0.27, 0.36, 0.5, 0.62, 0.72, 1.1], [6.5, 6.48, 6.64, 6.66, 6.76, 6.98, 7.2, 7.2])
    beard = step(0.05, -0.06, y - edge[None]) * step(5.9, 6.04, y)
    return {"mustache": mustache, "goatee": goatee, "beard": np.maximum(beard, mustache)}


@functools.cache
def strands(curly: bool) -> np.ndarray:
    """Brightness of hair around 0.5 of 1, ``[across, along]`` uint8: straight strands, or curls."""
    rng = np.random.default_rng(8)
    if curly:
        return _bytes(0.6 * smooth_noise(rng, STRANDS, (150, 26)) + 0.4 * smooth_noise(rng, STRANDS, (300, 48)))
    noise = [smooth_noise(rng, STRANDS, cells) for cells in ((512, 5), (150, 4), (46, 3))]
    return _bytes(0.35 * noise[0] + 0.35 * noise[1] + 0.3 * noise[2])


def strand(across: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Where in the tables of hair positions lie round the head and down the strand, both periodic in 1, ``[n]``."""
    rows, columns = STRANDS
    down = (along * np.float32(columns)).astype(np.int32) % columns
    return np.asarray((across * np.float32(rows)).astype(np.int32) % rows * columns + down)


@functools.cache
def reach() -> np.ndarray:
    """How far each strand reaches, from 0 to 1, ``[across]`` float32."""
    rng = np.random.default_rng(9)
    noise = 0.5 * smooth_noise(rng, (STRANDS[0], 1), (340, 1)) + 0.5 * smooth_noise(rng, (STRANDS[0], 1), (90, 1))
    return np.asarray(noise[:, 0], np.float32)
