"""The colour of each sample of a head, from what is interpolated there: light, and a place on the face or the hair."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from datamodules.heads.textures import EYE, LEFT, LOW, skin, strand, strands, table_size

Paint = Callable[[Mapping[str, Any], np.ndarray, int], np.ndarray]
"""A head's look, what is interpolated ``[n, 8]``, points of the skin's tables a decimetre -> linear colour ``[n, 3]``.

Interpolated are the light's colour (3) and the highlight; on the head then x, y and z at rest and the distance to the
hairline; on hair and hats the position across and along.
"""
BLUSH = np.array([0.95, 0.52, 0.6], np.float32)  # what red cheeks leave of the skin's colour


def paint_skin(look: Mapping[str, Any], mixed: np.ndarray, density: int) -> np.ndarray:
    """Skin, with all that is painted or grows on it, and the clothes."""
    x, y, z, inside = (np.ascontiguousarray(mixed[:, i]) for i in range(4, 8))
    rows, columns = table_size(density)
    place = np.clip((y - np.float32(LOW)) * density, 0, rows - 1).astype(np.int32) * columns
    place += np.clip((x - np.float32(LEFT)) * density, 0, columns - 1).astype(np.int32)
    tables = skin(density)

    def field(name: str, strength: float = 1.0) -> np.ndarray:
        return np.asarray(tables[name].ravel().take(place) * np.float32(strength / 255))

    front = np.clip((z - np.float32(0.9)) * 5, 0, 1)
    bristle = field("bristle")
    color = np.asarray(look["skin"], np.float32) * (np.float32(0.9) + field("grain", 0.2))[:, None]
    blush = np.asarray(look["skin"], np.float32) * BLUSH + np.array([0.09, 0, 0.01], np.float32)
    color += (front * field("blush", look["blush"]))[:, None] * (blush - color)
    dark = field("lid", 0.3) + field("nostril", 0.8) + field("lines", look["lines"]) + field("bags", look["bags"])
    if look["fold"]:
        dark += field("chin", look["fold"])
    color *= 1 - np.minimum(front * dark, 0.9)[:, None] * np.array([0.75, 0.95, 0.9], np.float32)
    lips = front * field("lips")
    color += lips[:, None] * (np.asarray(look["lips"], np.float32) - color)
    width, strength = look["brow"]
    brow = np.clip((field("brow") - np.float32(1 - 0.5 * width)) * 5, 0, 1)
    bare = 1 - brow * (np.float32(0.4) + np.float32(0.6) * bristle) * front * np.float32(strength)
    if look["facial"]:
        jaw = np.clip((z - 0.3 - np.clip((6.35 - y) * 2.6, 0, 0.7)) * 5, 0, 1)  # neither the neck nor behind the ears
        bare *= 1 - np.clip(field(look["facial"]) * (0.55 + 0.6 * bristle), 0, 0.95) * (1 - lips) * jaw
    if look["style"]:
        crop = np.clip((inside + np.float32(0.1) * (bristle - np.float32(0.5)) + np.float32(0.01)) * 12, 0, 1)
        bare *= 1 - crop * (np.abs(x) < np.float32(0.7) + (y > 7.5))
    grown = 1 - bare[:, None]
    color += grown * (np.asarray(look["hair"], np.float32) * np.float32(0.6) - color)
    shine = mixed[:, 3:4] * (1 - np.float32(0.8) * grown) * np.float32(0.1)
    color = np.asarray(color * mixed[:, :3] + shine)
    clothed = np.flatnonzero(y < 5.75 - 0.25 * np.exp(-((x / 0.4) ** 2)) * (z > 0))
    color[clothed] = np.asarray(look["cloth"], np.float32) * mixed[clothed, :3]
    return color


def paint_eye(look: Mapping[str, Any], mixed: np.ndarray, density: int) -> np.ndarray:
    """An eye: white, iris, pupil and glint, in the shadow of the upper lid."""
    x, y = mixed[:, 4], mixed[:, 5]
    out = np.abs(x) - EYE[0] - np.sign(x) * np.float32(look["gaze"])
    up = y - np.float32(EYE[1])
    radius = np.hypot(out, up)[:, None]
    iris = np.asarray(look["iris"], np.float32) * (0.5 + 6 * np.clip(radius, 0, 0.09))
    color = np.where(radius < 0.072, iris, np.array([0.86, 0.83, 0.80], np.float32))
    color = np.where(radius < 0.032, np.float32(0.01), color)
    color *= 1 - 0.4 * np.clip((up - 0.035) / 0.07, 0, 1)[:, None]
    glint = np.hypot(x - np.sign(x) * EYE[0] - 0.03 * np.sign(look["light"][0]), up - 0.03) < 0.02
    return np.asarray(color * np.clip(mixed[:, :3], 0.5, 1.1) + glint[:, None] * np.float32(0.8))


def paint_hair(look: Mapping[str, Any], mixed: np.ndarray, density: int) -> np.ndarray:
    place = strand(mixed[:, 4], mixed[:, 5] * np.float32(0.45))
    grain = strands(bool(look["style"]["curl"])).ravel().take(place)[:, None] * np.float32(1 / 255)
    hue = np.asarray(look["hair"], np.float32)
    return np.asarray(
        hue * (np.float32(0.2) + np.float32(1.35) * grain) * mixed[:, :3]
        + (hue * np.float32(0.5) + np.float32(0.05)) * (mixed[:, 3:4] * grain * np.float32(0.7))
    )


def paint_hat(look: Mapping[str, Any], mixed: np.ndarray, density: int) -> np.ndarray:
    ribs = 0.78 + 0.22 * np.sin(mixed[:, 4:5] * np.float32(2 * np.pi * 48))
    rows = 0.93 + 0.07 * np.sin(mixed[:, 5:6] * np.float32(2 * np.pi * 24))
    knit = np.where(mixed[:, 5:6] > 0.72, ribs, rows)
    return np.asarray(np.asarray(look["hat"]["color"], np.float32) * (knit * mixed[:, :3]))


def paint_frame(look: Mapping[str, Any], mixed: np.ndarray, density: int) -> np.ndarray:
    return np.asarray(np.asarray(look["glasses"]["color"], np.float32) * mixed[:, :3])


def plain(*color: float, least: float) -> Paint:
    """A material of one colour, which has so much light at least: shadows inside the mouth are too dark."""

    def paint(look: Mapping[str, Any], mixed: np.ndarray, density: int) -> np.ndarray:
        return np.asarray(np.array(color, np.float32) * np.clip(mixed[:, :3], least, 1))

    return paint


PAINTS: tuple[Paint, ...] = (
    paint_skin, paint_eye, plain(0.86, 0.83, 0.76, least=0.6), plain(0.5, 0.16, 0.15, least=0.25),
    plain(0.02, 0.015, 0.01, least=0.25), paint_hair, paint_hat, paint_frame,
)  # fmt: skip
"""By the number of the part or the surface: skin, eyes, teeth, tongue, lashes, hair, hat, glasses."""
