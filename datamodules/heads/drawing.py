"""Heads from weights and a style to pixels. First stage: skin, eyes, teeth, hair and bangs; light with soft shadows."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from datamodules.heads.glasses import FRAME, glasses
from datamodules.heads.hair import COLUMNS, HAIR, Surface, above_hairline, bangs, beanie, hair
from datamodules.heads.mesh import mesh, unit, visibility_basis
from datamodules.heads.raster import facing, raster
from datamodules.heads.textures import EYE, FIELDS, skin_at, strands_at

SAMPLES = 2  # a side of a pixel
ZOOM = 0.37


def _turn(yaw: float, pitch: float, roll: float) -> np.ndarray:
    (cy, cp, cr), (sy, sp, sr) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    across = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return (np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]]) @ nod @ across).astype(np.float32)


def render(look: Mapping[str, Any], resolution: int) -> np.ndarray:
    """Draw a head, ``[3, resolution, resolution]`` uint8."""
    body, side = mesh(), resolution * SAMPLES
    shaped = body.shaped(look["weights"])
    surfaces: list[Surface] = []
    if look["style"]:
        surfaces.append(hair(shaped, look["style"], bool(look["hat"])))
        if look["bangs"]:
            surfaces.append(bangs(shaped, look["style"]))
    bare = len(surfaces)
    if look["hat"]:
        surfaces.append(beanie(shaped, look["hat"]))
    if look["glasses"]:
        surfaces.append(glasses(shaped, look["glasses"]))
    starts = np.cumsum([len(shaped), *(len(s.points) for s in surfaces)])
    points = np.concatenate([shaped, *(s.points for s in surfaces)]).astype(np.float32)
    shown = _shown()
    corners = np.concatenate([body.corners[shown], *(s.corners + n for s, n in zip(surfaces, starts, strict=False))])
    kinds = np.concatenate(
        [body.kinds[shown], *(np.full(len(s.corners), HAIR if i < bare else s.kind) for i, s in enumerate(surfaces))]
    )
    center = shaped[body.part == 1].mean(0) + np.array([0, -0.12, -0.8], np.float32)
    turn = _turn(*look["pose"])
    bend = np.clip((points[:, 1:2] - 5.4) / 0.9, 0, 1)
    placed = points - center
    placed = bend * (placed @ turn.T) + (1 - bend) * placed
    seen = placed.copy()
    depth = 9 / (9 - placed[:, 2])
    seen[:, 0] = side * (0.5 + look["shift"][0] + ZOOM * placed[:, 0] * depth)
    seen[:, 1] = side * (0.5 + look["shift"][1] - ZOOM * placed[:, 1] * depth)
    front = (facing(seen, corners) > 0) | (kinds >= HAIR)
    corners, kinds = corners[front], kinds[front]
    samples = raster(seen, corners, side)
    values = _values(look, placed, shaped, surfaces, turn)
    mixed, kind = samples.of(corners, values), kinds[samples.triangle]
    color = np.zeros((len(kind), 3), np.float32)
    for number, paint in enumerate(
        (_skin, _eye, _plain(0.86, 0.83, 0.76), _plain(0.5, 0.16, 0.15), _plain(0.02, 0.015, 0.01), _hair, _hat, _frame)
    ):
        at = np.flatnonzero(kind == number)
        if len(at):
            color[at] = paint(look, mixed[at])
    picture = _background(look, side)
    picture[samples.place] = color
    picture = picture.reshape(resolution, SAMPLES, resolution, SAMPLES, 3)
    picture = sum(picture[:, i, :, j] for i in range(SAMPLES) for j in range(SAMPLES)) / SAMPLES**2
    return (np.clip(picture, 0, 1) ** (1 / 2.2) * 255 + 0.5).astype(np.uint8).transpose(2, 0, 1).copy()


@functools.cache
def _shown() -> np.ndarray:
    """The triangles that can be seen from the front, the inside of the mouth among them, ``[m]``."""
    body = mesh()
    turned = np.array([(x, y, 1) for x in (-0.6, -0.3, 0, 0.3, 0.6) for y in (-0.35, 0, 0.35)])
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    seen = (body.seen @ visibility_basis(turned).T).max(1)
    x, y, z = body.rest.T
    mouth = (np.abs(x) < 0.32) & (y > 6.35) & (y < 6.8) & (z > 1.1)
    return np.flatnonzero(((seen > 0.12) | mouth)[body.corners].any(1))


def _background(look: Mapping[str, Any], side: int) -> np.ndarray:
    at = np.linspace(0, 2.999, side)
    low, t = at.astype(int), (at % 1)[:, None]
    spread = np.zeros((side, 4), np.float32)
    spread[np.arange(side), low], spread[np.arange(side), low + 1] = 1 - t[:, 0], t[:, 0]
    grid = np.asarray(look["background"], np.float32)  # [4, 4, 3]
    return np.einsum("ya,abc,xb->yxc", spread, grid, spread, optimize=True).reshape(-1, 3)


def _values(
    look: Mapping[str, Any], placed: np.ndarray, shaped: np.ndarray, surfaces: list[Surface], turn: np.ndarray
) -> np.ndarray:
    """Light (3), shine, and four coordinates of every vertex, ``[v, 8]``."""
    body, light = mesh(), np.asarray(look["light"], np.float32)
    n = len(shaped)
    normal = body.normals(placed[:n])
    towards = light @ turn  # as the head sees it
    reach = np.clip(body.seen @ visibility_basis(towards[None]).astype(np.float32)[0], 0, 1)
    reach = reach * reach * (3 - 2 * reach)
    open_sky = np.clip(body.seen[:, 0] * np.float32(0.282 / 0.47), 0, 1)
    facing_light = normal @ light
    wrap = np.array([0.32, 0.16, 0.10], np.float32)
    lit = np.clip((facing_light[:, None] + wrap) / (1 + wrap), 0, 1) * reach[:, None]
    ambient = (0.75 + 0.25 * normal[:, 1:2]) * open_sky[:, None] * np.float32(look["ambient"])
    half = light + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    shine = np.clip(normal @ half, 0, 1) ** 24 * reach
    values = [
        np.concatenate([lit * np.float32(look["key"]) + ambient, shine[:, None], body.rest, _inside()[:, None]], 1)
    ]
    for surface in surfaces:
        end = n + len(surface.points)
        strands = surface.kind < FRAME
        paint = _strand_values if strands else _frame_values
        values.append(paint(surface, placed[n:end], light, half, look))
        n = end
    return np.concatenate(values).astype(np.float32)


def _inside() -> np.ndarray:
    return above_hairline(mesh().rest)


def _strand_values(
    surface: Surface, placed: np.ndarray, light: np.ndarray, half: np.ndarray, look: Mapping[str, Any]
) -> np.ndarray:
    grid = placed.reshape(-1, COLUMNS, 3)
    tangent = np.gradient(grid, axis=0).reshape(-1, 3)
    tangent = unit(tangent)
    around = np.gradient(grid, axis=1).reshape(-1, 3)
    normal = unit(np.cross(tangent, around))
    along = tangent @ half
    shine = np.clip(1 - along * along, 0, 1) ** 14
    lit = np.clip((normal @ light + 0.35) / 1.35, 0.05, 1) * look["key"] + look["ambient"] * (0.7 + 0.3 * normal[:, 1])
    lit = lit * surface.shade
    return np.stack([lit, lit, lit, shine * surface.shade, surface.across, surface.along, surface.shade, lit], 1)


def _skin(look: Mapping[str, Any], mixed: np.ndarray) -> np.ndarray:
    x, y, z, inside = mixed[:, 4], mixed[:, 5], mixed[:, 6], mixed[:, 7]
    f = dict(zip(FIELDS, skin_at(x, y).T, strict=True))
    gate = np.clip((z - 0.9) * 5, 0, 1)
    skin = np.asarray(look["skin"], np.float32)
    color = skin * (0.9 + 0.2 * f["grain"])[:, None]
    tint = (f["blush"] * look["blush"] * gate)[:, None]
    color *= 1 - tint * np.array([0.05, 0.45, 0.38], np.float32)
    dark = gate * (0.35 * f["lid"] + look["bags"] * f["bags"] + look["lines"] * f["lines"] + f["nostril"] * 0.8)
    color *= 1 - np.clip(dark, 0, 0.9)[:, None] * np.array([0.75, 0.95, 0.9], np.float32)
    lips = (f["lips"] * gate * (z > 1.2))[:, None]
    color = color * (1 - lips) + lips * np.asarray(look["lips"], np.float32)
    hue = np.asarray(look["hair"], np.float32)
    brow = np.clip((f["brow"] - 1 + 0.5 * look["brow"]) * 5, 0, 1) * (0.35 + 0.65 * f["bristle"]) * gate * 0.9
    grown = (
        f[look["facial"]] * (0.55 + 0.6 * f["bristle"]) * (1 - f["lips"]) * np.clip((z - 0.3) * 5, 0, 1)
        if look["facial"]
        else 0 * brow
    )
    crop = (
        np.clip((inside + 0.06 * (f["bristle"] - 0.5) + 0.01) * 14, 0, 1) * (np.abs(x) < 0.7 + (y > 7.5))
        if look["style"]
        else 0 * brow
    )
    cover = np.clip(1 - (1 - brow) * (1 - np.clip(grown, 0, 0.95)) * (1 - crop), 0, 1)[:, None]
    color = color * (1 - cover) + hue * 0.6 * cover
    cloth = (y < 5.75 - 0.25 * np.exp(-((x / 0.4) ** 2)) * (z > 0))[:, None]
    color = np.where(cloth, np.asarray(look["cloth"], np.float32), color)
    return color * mixed[:, :3] + mixed[:, 3:4] * (1 - 0.8 * cover) * (1 - cloth) * 0.10


def _eye(look: Mapping[str, Any], mixed: np.ndarray) -> np.ndarray:
    x, y = mixed[:, 4], mixed[:, 5]
    out = np.abs(x) - EYE[0] - np.sign(x) * look["gaze"]
    up = y - EYE[1]
    radius = np.hypot(out, up)
    white = np.array([0.80, 0.76, 0.73], np.float32) * (1 - 0.45 * np.clip((up - 0.02) / 0.08, 0, 1))[:, None]
    iris = np.asarray(look["iris"], np.float32) * (0.5 + 6 * np.clip(radius, 0, 0.09))[:, None]
    color = np.where((radius < 0.078)[:, None], iris, white)
    color = np.where((radius < 0.033)[:, None], 0.01, color)
    light = np.clip(mixed[:, :3], 0.35, 1)
    glint = np.hypot(x - np.sign(x) * EYE[0] - 0.03 * np.sign(look["light"][0]), up - 0.03) < 0.02
    return color * light + glint[:, None] * 0.8


def _hair(look: Mapping[str, Any], mixed: np.ndarray) -> np.ndarray:
    straight, curls = strands_at(mixed[:, 4], mixed[:, 5] * 0.45).T
    curl = look["style"]["curl"]
    grain = straight * (1 - curl) + curls * curl
    hue = np.asarray(look["hair"], np.float32)
    color = hue * (0.25 + 1.25 * grain)[:, None] * mixed[:, :3]
    return color + (hue * 0.5 + 0.06) * (mixed[:, 3] * grain)[:, None] * 0.8


def _hat(look: Mapping[str, Any], mixed: np.ndarray) -> np.ndarray:
    ribs = 0.82 + 0.18 * np.sin(mixed[:, 4] * np.float32(2 * np.pi * 60))
    ribs = np.where(mixed[:, 5] > 0.74, ribs, 0.96)
    return np.asarray(look["hat"]["color"], np.float32) * (ribs[:, None] * mixed[:, :3])


def _frame_values(
    surface: Surface, placed: np.ndarray, light: np.ndarray, half: np.ndarray, look: Mapping[str, Any]
) -> np.ndarray:
    values = np.ones((len(placed), 8), np.float32)
    values[:, :3] = look["key"] * 0.5 + look["ambient"]
    return values


def _frame(look: Mapping[str, Any], mixed: np.ndarray) -> np.ndarray:
    return np.asarray(look["glasses"]["color"], np.float32) * mixed[:, :3]


def _plain(*color: float) -> Any:
    def paint(_: Mapping[str, Any], mixed: np.ndarray) -> np.ndarray:
        return np.array(color, np.float32) * np.clip(mixed[:, :3], 0.25, 1)

    return paint
