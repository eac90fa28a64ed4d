"""Faces are found with their five points, whatever a photo's mode and size. The photo is one that matplotlib ships."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from matplotlib import cbook
from PIL import Image, ImageOps

from facet.editing import faces
from facet.editing.alignment import cut, placement
from facet.editing.faces import Face, available, find_faces
from facet.errors import UserError

POINTS = np.array([(221, 190), (309, 186), (268, 240), (234, 279), (305, 277)])
"""Where the eyes, the nose and the mouth's corners of that photo are, by eye, in its pixels."""
NEAR = 9  # pixels: a tenth of the distance between the eyes


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    """Grace Hopper, 512×600 (an official photograph of the US Navy, in the public domain)."""
    pytest.importorskip("facenet_pytorch")
    with Image.open(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)) as image:
        return image.convert("RGB")


def only(found: list[Face]) -> Face:
    assert len(found) == 1
    return found[0]


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "facenet_pytorch", None)
    faces._detector.cache_clear()
    with pytest.raises(UserError, match=r"pip install 'facet-lab\[photo\]', or align=none"):
        find_faces(Image.new("RGB", (64, 64)))
    assert not available()


def test_a_face_and_its_points(portrait: Image.Image) -> None:
    assert available()
    face = only(find_faces(portrait))
    assert face.points == pytest.approx(POINTS, abs=NEAR)
    left, top, right, bottom = face.box
    assert (face.points > (left, top)).all()
    assert (face.points < (right, bottom)).all()
    assert 0.99 < face.score <= 1


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_photos_of_any_mode(portrait: Image.Image, mode: str) -> None:
    assert only(find_faces(portrait.convert(mode))).points == pytest.approx(POINTS, abs=NEAR)


@pytest.mark.parametrize("height", [48, 150, 2400])
def test_photos_of_any_size(portrait: Image.Image, height: int) -> None:
    scale = height / portrait.height
    photo = portrait.resize((round(portrait.width * scale), height))
    assert only(find_faces(photo)).points / scale == pytest.approx(POINTS, abs=2 * NEAR)


def test_a_face_that_fills_the_photo_or_leaves_it(portrait: Image.Image) -> None:
    left, top, right, bottom = (round(side) for side in only(find_faces(portrait)).box)
    for corner in ((left, top), (left + (right - left) // 8, top)):
        face = only(find_faces(portrait.crop((*corner, right, bottom))))
        assert face.points == pytest.approx(POINTS - corner, abs=2 * NEAR)


def test_the_largest_comes_first(portrait: Image.Image) -> None:
    two = Image.new("RGB", (900, 600), "white")
    two.paste(portrait.resize((256, 300)), (0, 0))
    two.paste(portrait, (388, 0))
    large, small = find_faces(two)
    assert large.size > 3 * small.size
    assert large.points == pytest.approx(POINTS + np.array((388, 0)), abs=NEAR)
    assert small.points * 2 == pytest.approx(POINTS, abs=2 * NEAR)


def test_a_turned_face_is_cut_upright(portrait: Image.Image) -> None:
    square = cut(portrait, placement(only(find_faces(portrait)).points, "aif"), 64, "aif")
    turned = portrait.rotate(20, Image.Resampling.BICUBIC, expand=True)
    where = placement(only(find_faces(turned)).points, "aif")
    assert where.angle == pytest.approx(-20, abs=5)
    again = cut(turned, where, 64, "aif")
    middle = np.s_[16:52, 16:48]
    one, other = (np.asarray(ImageOps.grayscale(image), float)[middle].ravel() for image in (square, again))
    assert np.corrcoef(one, other)[0, 1] > 0.75


@pytest.mark.parametrize("size", [(64, 64), (1, 1), (20, 20), (5000, 3), (3, 700), (640, 480)])
def test_photos_without_faces(size: tuple[int, int]) -> None:
    pytest.importorskip("facenet_pytorch")
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    assert find_faces(Image.fromarray(noise)) == []
    assert find_faces(Image.new("L", size)) == []
    assert find_faces(Image.new("RGB", size, "white")) == []


def test_no_random_number_is_drawn(portrait: Image.Image) -> None:
    faces._detector.cache_clear()
    before = torch.random.get_rng_state()
    one, other = find_faces(portrait), find_faces(portrait)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert (only(one).points == only(other).points).all()
