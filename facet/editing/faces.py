"""Finds the faces of a photograph, each with five points, by the optional package ``facenet-pytorch``.

Its MTCNN (Zhang et al., 2016, "Joint face detection and alignment using multitask cascaded convolutional networks") is
MIT-licensed, runs in the torch that Facet needs anyway, and its weights are inside its 1.9 MB wheel, so nothing is
downloaded. The others bring OpenCV or TensorFlow, download their weights, or come without a licence's text.
"""

from __future__ import annotations

import functools
import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from facet.errors import UserError

SEARCHED = 640
"""Longest side, in pixels, at which a photo is searched. The last network sees each face at 48×48 anyway."""
SMALLEST = 20
"""Side, in pixels, of the smallest face that is looked for in a photo of ``SEARCHED`` pixels; the networks' limit."""
LEAST_SIDE = 96
"""Shortest side, in pixels, to which a smaller photo is enlarged: the networks miss faces of few pixels."""
MARGIN = 0.25
"""Width of the grey margin around a searched photo, as a share of its shorter side: without it, the points of a face at
the photo's border are wrong by a tenth of the face to a half of it, and with it by two hundredths."""
SURE = 0.99
"""Lowest score of what counts as a face: nearly all that scores less is a pattern of clothes or leaves."""
LIKELY = 0.9
"""Lowest score of a face that is alone in its photo: such are faces lying on their side, or of 20 pixels."""


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a photo. Coordinates are in the photo's pixels; (0, 0) is the corner of the first pixel.

    Args:
        box: left, top, right, bottom; it may reach beyond the photo.
        points: left eye, right eye, nose, left and right corner of the mouth, ``[5, 2]``, left and right as they appear
            in the picture.
        score: the detector's confidence, 0 to 1.
    """

    box: tuple[float, float, float, float]
    points: np.ndarray
    score: float

    @property
    def size(self) -> float:
        """Area of the box in square pixels."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top)


def available() -> bool:
    """Whether the extra ``photo`` is installed."""
    return importlib.util.find_spec("facenet_pytorch") is not None


def find_faces(image: Image.Image) -> list[Face]:
    """The faces of a photo, the largest first; none if there is no face.

    Args:
        image: upright, of any mode and size.

    Raises:
        UserError: the extra ``photo`` isn't installed.
    """
    scale = min(max(1, LEAST_SIDE / min(image.size)), SEARCHED / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    detector = _detector()
    if min(size) < SMALLEST:  # so narrow a strip holds no face
        return []
    searched = image.convert("RGB").resize(size, Image.Resampling.BILINEAR, reducing_gap=2)
    margin = round(MARGIN * min(size))
    boxes, scores, points = detector.detect(ImageOps.expand(searched, margin, (127, 127, 127)), landmarks=True)
    if boxes is None:
        return []
    stretch = np.array(image.size) / size
    faces = [
        Face(_box((box.reshape(2, 2) - margin) * stretch), (five.astype(np.float64) - margin) * stretch, float(score))
        for box, five, score in zip(boxes, points, scores, strict=True)
    ]
    surest = max(faces, key=lambda face: face.score)
    faces = [face for face in faces if face.score >= SURE or (face is surest and face.score >= LIKELY)]
    return sorted(faces, key=lambda face: face.size, reverse=True)


def _box(corners: np.ndarray) -> tuple[float, float, float, float]:
    (left, top), (right, bottom) = corners.tolist()
    return left, top, right, bottom


@functools.cache
def _detector() -> Any:
    """The networks, on the CPU, where a photo takes a fraction of a second."""
    try:
        from facenet_pytorch import MTCNN
    except ImportError as error:
        raise UserError("finding faces needs the extra photo: pip install 'facet-lab[photo]', or align=none") from error
    with torch.random.fork_rng(devices=[]):  # the networks are initialised at random before their weights are read
        return MTCNN(keep_all=True, min_face_size=SMALLEST, device="cpu").eval()
