"""Avatars from factors to pixels: DiceBear's ``avataaars`` (by Pablo Stanley) drawn as SVG and rasterised by resvg.

This module must not import torch, because worker processes import it.
"""

from __future__ import annotations

import copy
import functools
import io
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import numpy as np
import resvg_py
from dicebear import Style
from dicebear.options import Options
from dicebear.renderer import Renderer
from dicebear.resolver import Resolver
from PIL import Image

from datamodules.avatar_factors import ATTRIBUTES, BEARDS, MUSTACHES, VARIANTS, Avatar, draw_avatar

SCALE = 2.3  # a tight crop: the face fills the frame, and the mouth takes a seventh of its height
LIFT = 15.6  # shift down, in percent of the frame: the frame shows hair line to chin

DRAWING_VERSION = 2
"""Part of the fingerprint of stores: raise it when the same settings give other factors or other pixels."""


def versions() -> dict[str, Any]:
    """Versions that determine the pixels besides the factors; part of the fingerprint of stores."""
    packages = ("dicebear-core", "dicebear-styles", "resvg-py")
    return {"drawing": DRAWING_VERSION, **{name: version(name) for name in packages}}


@functools.cache
def _style() -> Style:
    """``avataaars`` with two more layers, so that every attribute is visible for any values of the others.

    Hats are drawn over the hair (in the original they replace it, which hides the hair colour). Mustaches are drawn
    a little higher (in the original they cover half of the mouth).
    """
    definition = json.loads(files("dicebear_styles").joinpath("avataaars.json").read_text("utf-8"))
    components, elements = definition["components"], definition["canvas"]["elements"]

    def layer(name: str, original: str, variants: Sequence[str], position: str) -> None:
        source = components[original]
        components[name] = {**source, "variants": {key: copy.deepcopy(source["variants"][key]) for key in variants}}
        at = next(i for i, element in enumerate(elements) if element.get("name") == original)
        elements.insert(at + 1, {"name": name, "type": "component", "attributes": {"transform": position}})

    layer("headwear", "top", VARIANTS["Wearing_Hat", True], "translate(8)")
    layer("mustache", "facialHair", MUSTACHES, "translate(81 92)")
    return Style(definition)


def options(avatar: Avatar) -> dict[str, Any]:
    """DiceBear's options for an avatar. All are set, so that DiceBear chooses nothing at random."""
    person, attributes, facial_hair = avatar.person, avatar.attributes, avatar.groups["facial_hair"]
    variants = person["variants"]

    def shown(condition: bool) -> int:
        return 100 if condition else 0

    return {
        "seed": "facet",
        "scale": SCALE,
        "rotate": avatar.rotation,
        "translateX": avatar.shift[0],
        "translateY": LIFT + avatar.shift[1],
        "backgroundColor": [avatar.background],
        "skinColor": [variants["Pale_Skin", attributes["Pale_Skin"]]],
        "topVariant": [person["hair_style"]],
        "topProbability": 100,
        "hairColor": [person["hair_color"][avatar.groups["hair_color"]]],
        "headwearVariant": [variants["Wearing_Hat", True]],
        "headwearProbability": shown(attributes["Wearing_Hat"]),
        "hatColor": [person["hat_color"]],
        "eyesVariant": [variants["Narrow_Eyes", attributes["Narrow_Eyes"]]],
        "eyebrowsVariant": [variants["Arched_Eyebrows", attributes["Arched_Eyebrows"]]],
        "accessoriesVariant": [variants["Eyeglasses", True]],
        "accessoriesProbability": shown(attributes["Eyeglasses"]),
        "accessoriesColor": [person["glasses_color"]],
        "mouthVariant": [person["mouth"][attributes["Smiling"], attributes["Mouth_Slightly_Open"]]],
        "facialHairVariant": [person["beard"] if person["beard"] in BEARDS else BEARDS[0]],
        "facialHairProbability": shown(facial_hair == "beard"),
        "mustacheVariant": [person["mustache"]],
        "mustacheProbability": shown(facial_hair == "mustache"),
        "facialHairColor": [person["facial_hair_color"]],
        "clothesVariant": [person["clothes"]],
        "clothesColor": [person["clothes_color"]],
    }


class _UncheckedOptions(Options):
    """Options that DiceBear does not validate: validation takes two fifths of the time of an avatar."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data, self._tags = data, None


def markup(avatar: Avatar) -> str:
    """One avatar as SVG."""
    svg: str = Renderer(_style(), Resolver(_style(), _UncheckedOptions(options(avatar)))).render()
    return svg


def render(avatar: Avatar, resolution: int) -> np.ndarray:
    """Draw one avatar, ``[3, resolution, resolution]`` uint8."""
    svg = markup(avatar)
    png = resvg_py.svg_to_bytes(svg_string=svg, width=resolution, height=resolution, skip_system_fonts=True)
    with Image.open(io.BytesIO(bytes(png))) as image:
        return np.asarray(image.convert("RGB")).transpose(2, 0, 1).copy()


def draw_run(
    start: int,
    stop: int,
    split: str,
    resolution: int,
    changes: Mapping[str, bool] | str | None = None,
    **settings: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a range of positions of a split: one job of a worker process.

    Args:
        start: first position within the split.
        stop: the position after the last.
        split: ``train``, ``val`` or ``test``.
        resolution: side in pixels.
        changes: attributes to set in every image, or the name of one to invert, or None.
        settings: ``seed``, ``images_per_identity``, ``correlation`` and ``rates`` of
            :func:`~datamodules.avatar_factors.draw_avatar`.

    Returns:
        images ``[n, 3, r, r]`` uint8 and labels ``[n, k]`` int8.
    """
    images, labels = [], []
    for index in range(start, stop):
        avatar = draw_avatar(split=split, index=index, **settings)
        for name, value in _changes(avatar, changes).items():
            avatar = avatar.changed(name, value)
        images.append(render(avatar, resolution))
        labels.append(avatar.labels())
    return np.stack(images), np.stack(labels)


def _changes(avatar: Avatar, changes: Mapping[str, bool] | str | None) -> Mapping[str, bool]:
    if isinstance(changes, str):
        return {changes: not avatar.labels()[ATTRIBUTES.index(changes)]}
    return changes or {}
