"""Cuts a face out of a photo as the model's data was cut, and pastes the edited square back at full size.

Coordinates are continuous: (0, 0) is the photo's corner, and the first pixel reaches from 0 to 1. The model's square is
the unit square.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from facet.errors import UserError

Crop = Literal["aif", "jacsup", "none"]
Mask = Literal["square", "ellipse"]
Way = Literal["picture", "change"]

CELEBA = ((70.745, 112.0), (108.237, 112.0), (89.432, 153.514))
"""Where CelebA's authors put the left eye, the right eye and the middle of the mouth in their images of 178×218 pixels.

From ``align_face_celeba.m`` of liuziwei7/mobile-id, in MATLAB's coordinates: the first pixel's centre is at 1. The nose
takes no part there.
"""
_CENTRAL = (np.array(CELEBA) - 0.5 - (0, 20)) / 178  # the central square: rows 20 to 198
TEMPLATES: Mapping[str, np.ndarray] = {"aif": _CENTRAL, "jacsup": _CENTRAL}
"""Left eye, right eye and middle of the mouth in the unit square ``[3, 2]``, by the data's crop."""

MODES = ("L", "LA", "RGB", "RGBA")
"""Modes of photos."""
LEAST_ALIKE = 0.5
"""Share of the points' spread that the template must explain: 0.7 of a face in full profile, 0.06 of a mirrored one."""
LEAST_SIDE = 4  # pixels of a placed square
SHAPES: Mapping[Mask, float] = {"square": 6, "ellipse": 2}
"""Exponent p of a mask's outline abs(x)**p + abs(y)**p = 1."""
FEATHER = 0.25
"""Width of a mask's soft edge, as a share of the way from its outline to its centre."""
DENSE = 4  # pixels of the photo to one of the model's, above which the photo is reduced before it is warped
MARGIN = 3  # pixels that the bicubic filter sees around a square
BAND = 256  # rows that are pasted at once, which keeps the memory small


@dataclass(frozen=True)
class Placement:
    """Where the model's square lies in a photo: turned, scaled and shifted, never mirrored.

    Args:
        x, y: the square's first corner, in the photo's pixels.
        dx, dy: its top edge, as a vector in the photo's pixels.
    """

    x: float
    y: float
    dx: float
    dy: float

    @property
    def side(self) -> float:
        """Length of the square's edge in the photo's pixels."""
        return math.hypot(self.dx, self.dy)

    @property
    def angle(self) -> float:
        """How far the square is turned clockwise, in degrees."""
        return math.degrees(math.atan2(self.dy, self.dx))

    def to_photo(self, points: ArrayLike) -> np.ndarray:
        """Points of the unit square ``[n, 2]``, in the photo."""
        return np.asarray(np.asarray(points, float) @ self._turn + (self.x, self.y))

    def to_square(self, points: ArrayLike) -> np.ndarray:
        """Points of the photo ``[n, 2]``, in the unit square."""
        return np.asarray((np.asarray(points, float) - (self.x, self.y)) @ self._turn.T / self.side**2)

    def bounds(self) -> tuple[int, int, int, int]:
        """The smallest box of whole pixels around the square: left, top, right, bottom. It may leave the photo."""
        corners = self.to_photo([(0, 0), (1, 0), (1, 1), (0, 1)])
        (left, top), (right, bottom) = np.floor(corners.min(0)), np.ceil(corners.max(0))
        return int(left), int(top), int(right), int(bottom)

    def reduced(self, factor: float) -> Placement:
        """The same square in the photo made smaller by a factor."""
        return Placement(self.x / factor, self.y / factor, self.dx / factor, self.dy / factor)

    @property
    def _turn(self) -> np.ndarray:
        return np.array([(self.dx, self.dy), (-self.dy, self.dx)])


def placement(points: ArrayLike, crop: Crop) -> Placement:
    """Where the model's square lies, from a face's five points.

    The eyes and the middle of the mouth are matched to the template of the data by the similarity transform with the
    least squared error (Umeyama, 1991, without mirroring). It has a short form in complex numbers.

    Args:
        points: left eye, right eye, nose, left and right corner of the mouth in the photo's pixels, ``[5, 2]``; left
            and right as they appear in the picture. A detector's, or the user's.
        crop: how the model's data was cut to squares, a key of :data:`TEMPLATES`.

    Raises:
        UserError: the crop has no template, or the points don't lie like a face's.
    """
    if crop not in TEMPLATES:
        raise UserError("how this model's data was aligned is unknown: align=none")
    five = _checked(points)
    source, target = _complex(TEMPLATES[crop]), _complex([*five[:2], five[3:].mean(0)])
    around, beyond = source - source.mean(), target - target.mean()
    edge = np.vdot(around, beyond) / np.vdot(around, around)
    alike = abs(np.vdot(around, beyond)) ** 2 / (np.vdot(around, around) * np.vdot(beyond, beyond)).real
    if alike < LEAST_ALIKE:
        raise UserError(f"the five points don't lie like a face's ({_listed(five)}): {_ORDER}")
    if abs(edge) < LEAST_SIDE:
        raise UserError(f"the five points are too close together ({_listed(five)}): give them in pixels")
    corner = target.mean() - edge * source.mean()
    return Placement(float(corner.real), float(corner.imag), float(edge.real), float(edge.imag))


def central(size: tuple[int, int]) -> Placement:
    """The central square of a photo of this width and height: how data of the crops ``aif`` and ``jacsup`` is cut."""
    side = min(size)
    return Placement((size[0] - side) / 2, (size[1] - side) / 2, side, 0)


def whole(size: tuple[int, int]) -> Placement:
    """The square around a whole photo of this width and height: how data of the crop ``none`` is cut."""
    side = max(size)
    return Placement((size[0] - side) / 2, (size[1] - side) / 2, side, 0)


def cut(image: Image.Image, placement: Placement, resolution: int, crop: Crop = "none") -> Image.Image:
    """The placed square as a picture at the model's resolution. Outside of the photo, its edge pixels are repeated.

    The square is warped at the photo's own density, or above, and then reduced, so that nothing aliases.

    Args:
        image: the photo, of mode L, LA, RGB or RGBA. Transparent pixels become white.
        placement: of the square.
        resolution: side of the result in pixels.
        crop: how the model's data was cut; ``aif`` reduces bilinearly, the others by Lanczos.

    Returns:
        The picture ``[resolution, resolution]``, of mode L or RGB.
    """
    photo = _opaque(image)
    factor = int(placement.side / (DENSE * resolution))
    if factor > 1:  # a mean of pixels is no loss at this density, and keeps the memory small
        photo, placement = photo.reduce(factor), placement.reduced(factor)
    left, top, right, bottom = placement.bounds()
    columns = np.arange(left - MARGIN, right + MARGIN).clip(0, photo.width - 1)
    rows = np.arange(top - MARGIN, bottom + MARGIN).clip(0, photo.height - 1)
    region = Image.fromarray(np.asarray(photo)[rows[:, None], columns])
    side = resolution * max(1, math.ceil(placement.side / resolution))
    dx, dy = placement.dx / side, placement.dy / side
    affine = (dx, -dy, placement.x - left + MARGIN, dy, dx, placement.y - top + MARGIN)
    warped = region.transform((side, side), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC)
    resample = Image.Resampling.BILINEAR if crop == "aif" else Image.Resampling.LANCZOS
    return warped.resize((resolution, resolution), resample)


def paste(
    image: Image.Image,
    edited: Image.Image,
    placement: Placement,
    mask: Mask = "square",
    way: Way = "picture",
    reconstruction: Image.Image | None = None,
) -> Image.Image:
    """A photo with the edited square in place. What the mask doesn't cover stays bit for bit.

    Args:
        image: the photo, of mode L, LA, RGB or RGBA. Its transparency stays.
        edited: the model's square picture, which is enlarged smoothly.
        placement: of the square in the photo.
        mask: the shape that is replaced, with a soft edge: a square with round corners, or an ellipse.
        way: ``picture``: the model's picture replaces the face, which takes on the model's resolution. ``change``: what
            the edit changed (``edited`` - ``reconstruction``) is added to the photo, which keeps its own detail.
        reconstruction: the model's picture of the unedited square, for ``change``.

    Returns:
        The photo, with its mode and size.
    """
    assert image.mode in MODES, f"mode {image.mode}"
    square = _values(edited, image)
    if way == "change":
        assert reconstruction is not None, "the way 'change' needs the reconstruction"
        square = square - _values(reconstruction, image)
    channels = square.shape[2]
    layers = [_fitted(square[..., channel], placement.side) for channel in range(channels)]
    left, top, right, bottom = placement.bounds()
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, image.width), min(bottom, image.height)
    result = image.copy()
    for row in range(top, bottom if right > left else top, BAND):
        box = (left, row, right, min(row + BAND, bottom))
        pixels = np.array(image.crop(box))
        photo = pixels.reshape(*pixels.shape[:2], -1)
        old = photo[..., :channels].astype(np.float32)
        new = np.stack([_spread(layer, placement, box) for layer in layers], 2) + (old if way == "change" else 0)
        mixed = old + _cover(placement, box, mask)[..., None] * (new - old)
        photo[..., :channels] = np.rint(mixed.clip(0, 255))
        result.paste(Image.fromarray(pixels), box)
    return result


_ORDER = "left eye, right eye, nose, left and right corner of the mouth are wanted, as they appear in the picture"


def _checked(points: ArrayLike) -> np.ndarray:
    """Five points as numbers ``[5, 2]``.

    Raises:
        UserError: there aren't five, two are the same, or all lie on one line.
    """
    try:
        five = np.asarray(points, np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"the five points aren't pairs of numbers: {_ORDER}") from error
    if five.shape != (5, 2) or not np.isfinite(five).all():
        raise UserError(f"five points of two finite numbers each are needed: {_ORDER}")
    wide, narrow = np.linalg.svd(five - five.mean(0), compute_uv=False)
    apart = np.linalg.norm(five[:, None] - five, axis=2)[~np.eye(5, dtype=bool)].min()
    if apart <= 1e-6 * wide or narrow <= 0.02 * wide:
        raise UserError(f"two of the five points are the same, or all lie on one line ({_listed(five)}): {_ORDER}")
    return five


def _listed(points: np.ndarray) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _complex(points: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    return np.array([complex(x, y) for x, y in points])


def _opaque(image: Image.Image) -> Image.Image:
    """A photo on white, of mode L or RGB."""
    assert image.mode in MODES, f"mode {image.mode}"
    if image.mode not in ("LA", "RGBA"):
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert(image.mode[:-1])


def _values(square: Image.Image, photo: Image.Image) -> np.ndarray:
    """A picture in the colours of a photo, ``[h, w, 1]`` or ``[h, w, 3]`` in 0 to 255."""
    values = np.asarray(square.convert("L" if photo.mode in ("L", "LA") else "RGB"), np.float32)
    return values.reshape(*values.shape[:2], -1)


def _fitted(values: np.ndarray, side: float) -> Image.Image:
    """A channel ``[r, r]`` as a picture of numbers, reduced if it has more pixels than it is given in the photo."""
    layer = Image.fromarray(values)
    least = max(1, round(side))
    return layer if least >= layer.width else layer.resize((least, least), Image.Resampling.LANCZOS)


def _spread(layer: Image.Image, placement: Placement, box: tuple[int, int, int, int]) -> np.ndarray:
    """A channel of the square, enlarged smoothly to the pixels of a box of the photo, ``[h, w]``."""
    scale = layer.width / placement.side**2
    across, along = scale * placement.dx, scale * placement.dy
    x, y = box[0] - placement.x, box[1] - placement.y
    affine = (across, along, across * x + along * y, -along, across, across * y - along * x)
    size = box[2] - box[0], box[3] - box[1]
    return np.asarray(layer.transform(size, Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC))


def _cover(placement: Placement, box: tuple[int, int, int, int], mask: Mask) -> np.ndarray:
    """How much of each pixel of a box a mask covers: 1 well inside, 0 from its outline on, ``[h, w]``."""
    left, top, right, bottom = box
    grid = np.stack(np.meshgrid(np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5), 2)
    from_centre = np.abs(2 * placement.to_square(grid) - 1)
    outward = (from_centre ** SHAPES[mask]).sum(2) ** (1 / SHAPES[mask])
    inside = ((1 - outward) / FEATHER).clip(0, 1)
    return np.asarray(inside**2 * (3 - 2 * inside), np.float32)
