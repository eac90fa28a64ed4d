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
from PIL import Image

from facet.errors import UserError

SEARCHED = 640
"""Longest side, in pixels, at which a photo is searched. The last network sees each face at 48×48 anyway."""
SMALLEST = 20
"""Side, in pixels, of the smallest face that is looked for in a photo of ``SEARCHED`` pixels; the networks' limit."""
LEAST_SIDE = 96
"""Shortest side, in pixels, to which a smaller photo is enlarged: the networks miss faces of few pixels."""
SURE = 0.95
"""Lowest score of what counts as a face: below it were patterns of clothes, hands and ears."""


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
    detector = _detector()
    scale = min(max(1, LEAST_SIDE / min(image.size)), SEARCHED / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    if min(size) < SMALLEST:  # a strip so narrow holds no face, and the detector fails on it
        return []
    searched = image.convert("RGB").resize(size, Image.Resampling.BILINEAR, reducing_gap=2)
    boxes, scores, points = detector.detect(searched, landmarks=True)
    if boxes is None:
        return []
    stretch = np.array(image.size) / size
    faces = [
        Face(tuple((box.reshape(2, 2) * stretch).ravel().tolist()), five.astype(np.float64) * stretch, float(score))
        for box, five, score in zip(boxes, points, scores, strict=True)
        if score >= SURE
    ]
    return sorted(faces, key=lambda face: face.size, reverse=True)


@functools.cache
def _detector() -> Any:
    """The networks, on the CPU, where a photo takes a fraction of a second."""
    try:
        from facenet_pytorch import MTCNN
    except ImportError as error:
        raise UserError("finding faces needs the extra photo: pip install 'facet-lab[photo]', or align=none") from error
    with torch.random.fork_rng(devices=[]):  # the networks are initialised at random before their weights are read
        return MTCNN(keep_all=True, min_face_size=SMALLEST, device="cpu").eval()
