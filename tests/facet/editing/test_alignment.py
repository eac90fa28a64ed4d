"""Faces are cut out as the data was aligned, and pasted back so that nothing outside of them changes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from facet.editing.alignment import MODES, TEMPLATES, Mask, Placement, Way, central, cut, paste, placement, whole
from facet.errors import UserError

CELEBA = np.array([(69.5, 111), (107, 111), (88, 135), (73, 152), (105, 152)]) + 0.5
"""Means of CelebA's published landmarks, to half a pixel or so, in its images of 178×218 pixels."""
FACE = (CELEBA - (0, 20)) / 178
"""The five points of a mean face in the unit square."""
COLOURS = ("red", "lime", "blue", "yellow", "magenta")
POSES = [(0, 100, (60, 50)), (25, 70, (90, 20)), (-40, 150, (20, 120)), (180, 90, (160, 150)), (90, 33, (100, 60))]


def placed(angle: float, side: float, corner: tuple[float, float]) -> Placement:
    turn = np.radians(angle)
    return Placement(*corner, side * np.cos(turn), side * np.sin(turn))


def noise(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """A photo in which every pixel differs from its neighbours."""
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], len(Image.new(mode, (1, 1)).getbands())))
    return Image.fromarray(values.astype(np.uint8).squeeze(2) if mode == "L" else values.astype(np.uint8))


def smooth(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """A photo without sharp edges."""
    return noise((5, 5), mode).resize(size, Image.Resampling.BICUBIC)


def difference(one: Image.Image, other: Image.Image) -> np.ndarray:
    return np.abs(np.asarray(one, int) - np.asarray(other, int))


def covered(where: Placement, size: tuple[int, int]) -> np.ndarray:
    """Which pixels of a photo have their centre in a square, ``[h, w]``."""
    x, y = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    inside = where.to_square(np.stack([x, y], 2))
    return ((inside > 0) & (inside < 1)).all(2)


@pytest.mark.parametrize("crop", ["aif", "jacsup"])
def test_a_mean_face_of_celeba_is_where_its_crop_puts_it(crop: str) -> None:
    found = placement(CELEBA, crop)  # type: ignore[arg-type]
    expected = central((178, 218))
    assert expected == Placement(0, 20, 178, 0)
    corners = [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert found.to_photo(corners) == pytest.approx(expected.to_photo(corners), abs=2)


@pytest.mark.parametrize("pose", POSES)
def test_known_points_map_to_the_template(pose: tuple[float, float, tuple[float, float]]) -> None:
    where = placed(*pose)
    template = TEMPLATES["aif"]
    eyes, (x, y) = template[:2], template[2]
    five = np.array([*eyes, (0.51, 0.6), (x - 0.1, y), (x + 0.1, y)])
    found = placement(where.to_photo(five), "aif")
    assert (found.x, found.y, found.dx, found.dy) == pytest.approx((where.x, where.y, where.dx, where.dy))
    assert found.to_square(where.to_photo(five)) == pytest.approx(five)
    assert found.side == pytest.approx(pose[1])
    assert abs(found.angle) == pytest.approx(abs(pose[0]))


@pytest.mark.parametrize("resolution", [32, 64])
@pytest.mark.parametrize("pose", POSES)
def test_a_face_turned_scaled_and_shifted_comes_out_aligned(
    pose: tuple[float, float, tuple[float, float]], resolution: int
) -> None:
    points = placed(*pose).to_photo(FACE)
    photo = Image.new("RGB", (300, 280), "black")
    draw = ImageDraw.Draw(photo)
    for (x, y), colour in zip(points, COLOURS, strict=True):
        radius = pose[1] / 20
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    square = np.asarray(cut(photo, placement(points, "aif"), resolution, "aif"), float)
    for point, colour in zip(FACE, COLOURS, strict=True):
        wanted = np.array(Image.new("RGB", (1, 1), colour).getpixel((0, 0)), float)
        like = (square * (wanted * 2 / 255 - 1)).sum(2).clip(0) ** 2
        like[like < like.max() / 2] = 0
        rows, columns = np.indices(like.shape) + 0.5
        centre = np.array([(columns * like).sum(), (rows * like).sum()]) / like.sum() / resolution
        assert centre == pytest.approx(point, abs=0.03), colour


def test_a_cut_is_reduced_without_aliasing() -> None:
    board = (np.indices((1200, 1200)).sum(0) % 2 * 255).astype(np.uint8)
    for angle, side in ((0, 1200), (0, 100), (20, 800), (45, 100)):
        square = np.asarray(cut(Image.fromarray(board), placed(angle, side, (600, 200)), 16), float)
        assert np.abs(square - 127.5).max() < 8, (angle, side)  # a grey; sampled at points it would be black and white


@pytest.mark.parametrize("crop", ["aif", "jacsup"])
@pytest.mark.parametrize("size", [(90, 70), (178, 218), (701, 900)])
def test_the_central_cut_is_the_data_s(size: tuple[int, int], crop: str) -> None:
    from datamodules.photos import square

    photo = smooth(size)
    expected = square(photo, crop, 32)  # type: ignore[arg-type]
    assert np.abs(np.asarray(cut(photo, central(size), 32, crop), int) - expected).max() <= 4  # type: ignore[arg-type]


def test_the_whole_cut_is_the_padded_data_s() -> None:
    from datamodules.photos import square

    for size in ((80, 160), (320, 160), (50, 50)):
        photo = smooth(size)
        assert np.abs(np.asarray(cut(photo, whole(size), 32), int) - square(photo, "none", 32)).max() <= 25
        assert np.abs(np.asarray(cut(photo, whole(size), 32), int) - square(photo, "none", 32)).mean() <= 1


def test_outside_of_the_photo_its_edge_is_repeated() -> None:
    photo = Image.new("RGB", (40, 40), "white")
    photo.paste("red", (0, 0, 5, 40))
    square = np.asarray(cut(photo, placed(0, 40, (-30, -30)), 8))
    assert (square[:, :4] == (255, 0, 0)).all()
    assert (np.asarray(cut(photo, placed(30, 2000, (-900, -900)), 32))[0, -1] == 255).all()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("mask", ["square", "ellipse"])
@pytest.mark.parametrize("way", ["picture", "change"])
def test_outside_of_the_square_every_bit_stays(mode: str, mask: Mask, way: Way) -> None:
    photo = noise((120, 100), mode)
    before = photo.tobytes()
    edited, unedited = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
    for pose in ((0, 50, (40, 20)), (33, 60, (70, 20)), (10, 80, (80, 60)), (0, 300, (-90, -90)), (0, 30, (200, 10))):
        where = placed(*pose)
        result = paste(photo, edited, where, mask, way, unedited)
        assert (result.mode, result.size) == (mode, photo.size)
        changed = difference(result, photo).reshape(100, 120, -1)
        assert not changed[~covered(where, photo.size)].any()
        assert changed.any() == (pose[2][0] < 120)
        if mode in ("LA", "RGBA"):
            assert not changed[..., -1].any()
    assert photo.tobytes() == before


@pytest.mark.parametrize("way", ["picture", "change"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("pose", POSES)
def test_an_unedited_square_changes_little(pose: tuple[float, float, tuple[float, float]], mode: str, way: Way) -> None:
    photo, where = smooth((260, 240), mode), placed(*pose)
    square = cut(photo, where, 64)
    assert square.mode == mode
    changed = difference(paste(photo, square, where, "square", way, square), photo)
    assert changed.max() <= (6 if way == "picture" else 0)


def test_a_change_keeps_the_photo_s_detail_and_a_picture_does_not() -> None:
    photo, where = noise((100, 100)), placed(0, 80, (10, 10))
    grey, lighter = Image.new("RGB", (8, 8), (90, 90, 90)), Image.new("RGB", (8, 8), (100, 100, 100))
    old = np.asarray(photo, int)[40:60, 40:60]
    changed = np.asarray(paste(photo, lighter, where, "ellipse", "change", grey), int)[40:60, 40:60]
    assert (changed == (old + 10).clip(0, 255)).all()
    assert (np.asarray(paste(photo, lighter, where, "ellipse"))[40:60, 40:60] == 100).all()


def test_grey_models_edit_colour_photos_and_colour_models_grey_ones() -> None:
    where = placed(15, 30, (20, 10))
    for mode, other in itertools.permutations(("L", "RGB")):
        result = paste(noise((60, 60), mode), Image.new(other, (8, 8), "white"), where)
        assert result.mode == mode
        assert (np.asarray(result)[30, 31] == 255).all()


@pytest.mark.parametrize("mask", ["square", "ellipse"])
def test_the_seam_is_soft(mask: Mask) -> None:
    photo = Image.new("L", (200, 200), 0)
    result = np.asarray(paste(photo, Image.new("L", (8, 8), 255), placed(0, 160, (20, 20)), mask), int)
    assert result[100, 100] == 255
    assert np.abs(np.diff(result, axis=0)).max() < 30
    assert np.abs(np.diff(result, axis=1)).max() < 30


@pytest.mark.parametrize("size", [(20, 20), (1, 1), (20, 3)])
def test_tiny_photos(size: tuple[int, int]) -> None:
    photo = noise(size)
    for where in (central(size), whole(size), placed(30, 15, (2, 2))):
        square = cut(photo, where, 64)
        assert square.size == (64, 64)
        assert paste(photo, square, where).size == size


def test_a_large_photo() -> None:
    photo = smooth((2000, 1500))
    points = placed(12, 1100, (600, 100)).to_photo(FACE)
    where = placement(points, "jacsup")
    square = cut(photo, where, 32, "jacsup")
    result = paste(photo, square, where)
    changed = difference(result, photo)
    assert changed.max() <= 6
    assert not changed[~covered(where, photo.size)].any()


def moved(point: int, place: tuple[float, float]) -> np.ndarray:
    points = FACE * 100
    points[point] = place
    return points


@pytest.mark.parametrize(
    ("points", "told"),
    [
        (moved(1, tuple(FACE[0] * 100)), "two of the five points are the same"),
        (moved(4, tuple(FACE[3] * 100)), "two of the five points are the same"),
        (np.outer(np.arange(5), (1, 2)), "all lie on one line"),
        (np.zeros((5, 2)), "two of the five points are the same"),
        (FACE[[1, 0, 2, 4, 3]] * 100, "don't lie like a face's"),
        (FACE, "in pixels"),
        (FACE[:3] * 100, "five points of two finite numbers"),
        (moved(2, (np.nan, 3)), "five points of two finite numbers"),
        ([(1, 2), (3,), (4, 5), (6, 7), (8, 9)], "pairs of numbers"),
        ("left eye", "pairs of numbers"),
    ],
)
def test_points_that_are_no_face_s_are_one_clear_line(points: object, told: str) -> None:
    with pytest.raises(UserError, match=told) as caught:
        placement(points, "aif")  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_faces_in_profile_are_placed() -> None:
    points = np.array([(100, 100), (107, 100), (88, 126), (98, 146), (102, 146)])
    assert 90 < placement(points, "aif").side < 220


def test_data_of_unknown_alignment_has_no_template() -> None:
    with pytest.raises(UserError, match="align=none"):
        placement(CELEBA, "none")
