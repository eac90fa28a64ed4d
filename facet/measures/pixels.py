"""The pixel error of reconstructions."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torchmetrics import Metric

from facet.measures.intervals import Mean


class PixelError(Metric):
    """Mean squared error of images in [0, 1]: the mean of (x - x̂)² over images, channels and pixels (AIF §4.1).

    It is summed in float64 on the device: in float32, the sum over a test split would lose the small errors of its last
    images. Lower is better; an error of half the range in every pixel gives 0.25.
    """

    full_state_update = False
    total: Tensor
    elements: Tensor
    images: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("elements", torch.zeros((), dtype=torch.long), dist_reduce_fx="sum")
        self.add_state("images", torch.zeros((), dtype=torch.long), dist_reduce_fx="sum")

    def update(self, reconstructions: Tensor, images: Tensor) -> None:
        """Add one batch, on its device.

        Args:
            reconstructions: x̂ in [0, 1], ``[B, C, H, W]``.
            images: x in [0, 1], same shape.

        Raises:
            ValueError: shapes that differ.
        """
        if reconstructions.shape != images.shape:
            shapes = f"{tuple(reconstructions.shape)} and {tuple(images.shape)}"
            raise ValueError(f"PixelError: reconstructions and images must have one shape, got {shapes}")
        self.total += (reconstructions.double() - images.double()).square().sum()
        self.elements += images.numel()
        self.images += len(images)

    def compute(self) -> Mean:
        """The mean squared error and the number of images; NaN without any."""
        elements = int(self.elements)
        return Mean(float(self.total) / elements if elements else math.nan, int(self.images))
