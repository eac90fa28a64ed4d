"""Pixels: what a changed attribute touches, and what it leaves alone."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from dicebear import Avatar as DiceBearAvatar

from datamodules.avatar_drawing import _style, draw_run, markup, options, render
from datamodules.avatar_factors import ATTRIBUTES, HAIR_STYLES, MOUTHS, VARIANTS, Avatar, draw_avatar

PERSONS = 40
SETTINGS: dict[str, Any] = {"split": "train", "resolution": 32, "seed": 0, "images_per_identity": 4, "correlation": 0.0}
ROWS = {  # of the picture's height: what may change, rotation and shift included
    "Arched_Eyebrows": (0.05, 0.50),
    "Eyeglasses": (0.10, 0.75),
    "Mouth_Slightly_Open": (0.55, 1.00),
    "Narrow_Eyes": (0.20, 0.65),
    "Smiling": (0.55, 1.00),
}


@cache
def persons() -> tuple[list[Avatar], np.ndarray]:
    avatars = [draw_avatar(0, "test", 4 * i, 4) for i in range(PERSONS)]
    return avatars, np.stack([render(avatar, 64) for avatar in avatars])


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_shows_and_touches_only_its_region(name: str) -> None:
    avatars, images = persons()
    flipped = [avatar.changed(name, not avatar.labels()[ATTRIBUTES.index(name)]) for avatar in avatars]
    changed = (np.stack([render(avatar, 64) for avatar in flipped]) != images).any(1)
    strength = np.abs(np.stack([render(avatar, 64) for avatar in flipped]).astype(int) - images).max(1) > 24
    assert (strength.mean((1, 2)) >= 0.005).sum() >= PERSONS - 1  # 20 pixels of 64 x 64
    top, bottom = (round(64 * edge) for edge in ROWS.get(name, (0, 1)))
    assert not changed[:, :top].any()
    assert not changed[:, bottom:].any()


def test_flipping_twice_draws_the_same_picture() -> None:
    avatars, images = persons()
    for avatar, image in zip(avatars[:10], images, strict=False):
        smiling = avatar.attributes["Smiling"]
        back = avatar.changed("Smiling", not smiling).changed("Smiling", smiling)
        assert np.array_equal(render(back, 64), image)


@pytest.mark.parametrize("resolution", [8, 32, 48, 64, 128])
def test_any_resolution(resolution: int) -> None:
    image = render(persons()[0][0], resolution)
    assert image.shape == (3, resolution, resolution)
    assert image.dtype == np.uint8
    assert image.std() > 20


def test_a_larger_picture_shows_the_same() -> None:
    small, large = (render(persons()[0][0], r).astype(float) for r in (32, 128))
    assert np.abs(large.reshape(3, 32, 4, 32, 4).mean((2, 4)) - small).mean() < 6


def test_every_variant_is_one_that_the_style_has() -> None:
    from datamodules.avatar_drawing import _style

    chosen: dict[str, set[str]] = {
        name: set() for name in ("mouth", "eyes", "eyebrows", "accessories", "headwear", "top")
    }
    chosen["mouth"] = {mouth for mouths in MOUTHS.values() for mouth in mouths}
    chosen["top"] = set(HAIR_STYLES)
    for component, attribute in [
        ("eyes", "Narrow_Eyes"),
        ("eyebrows", "Arched_Eyebrows"),
        ("accessories", "Eyeglasses"),
        ("headwear", "Wearing_Hat"),
    ]:
        chosen[component] = {v for value in (True, False) for v in VARIANTS.get((attribute, value), ())}
    for component, variants in chosen.items():
        assert variants <= set(_style().components()[component].variants()), component


def test_nothing_is_left_to_chance() -> None:
    chosen = options(persons()[0][0])
    assert all(len(value) == 1 for value in chosen.values() if isinstance(value, list))
    assert all(value in (0, 100) for key, value in chosen.items() if key.endswith("Probability"))


def test_dicebear_makes_the_same_of_them_where_it_checks_them() -> None:
    for index in range(40):
        avatar = draw_avatar(0, "train", index, 4)
        assert markup(avatar) == str(DiceBearAvatar(_style(), options(avatar)))


def test_labels_are_those_of_the_factors_drawn() -> None:
    images, labels = draw_run(0, 6, changes={"Smiling": True}, **SETTINGS)
    for index in range(6):
        avatar = draw_avatar(0, "train", index, 4).changed("Smiling", True)
        assert np.array_equal(labels[index], avatar.labels())
        assert np.array_equal(images[index], render(avatar, 32))
