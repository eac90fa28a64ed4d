"""Blurred pictures for the judge to learn from.

Decoders blur. A judge that has seen sharp pictures alone takes a blurred smile for none: it judges sharpness, not
smiles. Pictures of 32 pixels have little to lose and stay as they are.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

SHARP = 32
"""Side in pixels of the largest pictures that are never blurred."""


def largest_blur(resolution: int) -> float:
    """The largest standard deviation of the Gaussian, in pixels: a thirty-second of the side above ``SHARP`` pixels."""
    return resolution / 32 if resolution > SHARP else 0.0


def blur(images: Tensor, largest: float) -> None:
    """Blur images ``[B, C, H, W]`` in place, by a Gaussian of a random standard deviation of at most ``largest``."""
    deviation, size = largest * (1 - float(torch.rand(()))), 2 * math.ceil(3 * largest) + 1
    across = gaussian_blur(
        images, [size, 1], [deviation, deviation]
    )  # one axis at a time: torchvision takes both at once
    images.copy_(gaussian_blur(across, [1, size], [deviation, deviation]))
