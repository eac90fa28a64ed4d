"""The error of an edit against the true counterfactual: the same avatar drawn with one attribute changed."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.image import structural_similarity_index_measure

from facet.measures.intervals import Mean, Rate, mean_with_interval


def changed_region(truth: Tensor, original: Tensor) -> Tensor:
    """The pixels that the true change touches, and their eight neighbours.

    A pixel is touched if any channel differs by more than two of the 255 grey levels; smaller differences come from
    the rasteriser's antialiasing and rounding. The neighbours belong to the region because its edge runs through
    pixels, and no decoder can place the edge more exactly.

    Args:
        truth: the true counterfactual in [0, 1], ``[B, C, H, W]``.
        original: the input in [0, 1], same shape.

    Returns:
        Boolean, ``[B, 1, H, W]``.
    """
    # 2.5 because images come from bytes and differ by whole levels: so rounding in x/255 does not matter.
    touched = ((truth - original).abs() > 2.5 / 255).any(dim=1, keepdim=True)
    return F.max_pool2d(touched.float(), kernel_size=3, stride=1, padding=1) > 0


class CounterfactualError(Metric):
    """Error of an edit against the true counterfactual. This measure is the project's; neither paper has it.

    ``mse``
        mean of (edit - truth)² over all pixels and channels, [0, 1] range; its interval is over the images.
    ``ssim``
        structural similarity (Wang et al. 2004: Gaussian window of 11x11 pixels and standard deviation 1.5), the mean
        over images; 1 is perfect.
    ``mse_inside``, ``mse_outside``
        mean of (edit - truth)² over the pixels inside and outside :func:`changed_region`, of all images together; so
        ``mse`` = ``region`` · ``mse_inside`` + (1 - ``region``) · ``mse_outside``. The error inside shows whether the
        edit was made, the error outside whether everything else was kept.
    ``region``
        the share of pixels inside.
    ``mse_unedited``
        mean of (original - truth)² inside: the error without any edit, the reference for ``mse_inside``.
    """

    full_state_update = False
    squares: Tensor
    of_images: Tensor
    unedited: Tensor
    elements: Tensor
    similarity: Tensor
    images: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("squares", torch.zeros(2, dtype=torch.float64), dist_reduce_fx="sum")  # outside, inside
        self.add_state("of_images", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")  # (MSE of an image)²
        self.add_state("unedited", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("elements", torch.zeros(2, dtype=torch.long), dist_reduce_fx="sum")
        self.add_state("similarity", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        # Number of images: all, with a pixel outside, with a pixel inside.
        self.add_state("images", torch.zeros(3, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, edited: Tensor, truth: Tensor, original: Tensor) -> None:
        """Add one batch, on its device.

        Args:
            edited: the model's edits in [0, 1], ``[B, C, H, W]``, sides of at least 11 pixels (SSIM's window).
            truth: the true counterfactuals, same shape and range.
            original: the images that were edited, same shape and range.

        Raises:
            ValueError: shapes that differ, or images smaller than the window.
        """
        if not edited.shape == truth.shape == original.shape:
            shapes = ", ".join(str(tuple(images.shape)) for images in (edited, truth, original))
            raise ValueError(f"CounterfactualError: edited, truth and original must have one shape, got {shapes}")
        if min(edited.shape[2:]) < 11:
            raise ValueError(f"CounterfactualError: SSIM needs sides of at least 11 pixels, got {edited.shape[2:]}")
        if len(edited) == 0:  # a batch without known labels; pooling and SSIM refuse it
            return
        inside = changed_region(truth, original)
        regions = torch.stack([~inside, inside])
        squares = (edited.double() - truth.double()).square()
        self.squares += (squares * regions).sum(dim=(1, 2, 3, 4))
        self.of_images += squares.mean(dim=(1, 2, 3)).square().sum()
        self.unedited += ((original.double() - truth.double()).square() * inside).sum()
        self.elements += regions.sum(dim=(1, 2, 3, 4)) * edited.shape[1]
        self.images[0] += len(edited)
        self.images[1:] += regions.flatten(2).any(dim=2).sum(dim=1)
        similarity = structural_similarity_index_measure(
            edited.float(), truth.float(), reduction="none", data_range=1.0
        )
        assert isinstance(similarity, Tensor)  # a tuple only if the contrast or the full map is requested
        self.similarity += similarity.double().sum()

    def compute(self) -> dict[str, Mean | Rate]:
        """The measures by name, each with its number of images; NaN without any."""
        outside, inside = self.squares.tolist()
        elements_outside, elements_inside = self.elements.tolist()
        images, images_outside, images_inside = self.images.tolist()
        elements = elements_outside + elements_inside
        return {
            "mse": mean_with_interval(
                _ratio(outside + inside, elements), _ratio(float(self.of_images), images), images
            ),
            "ssim": Mean(_ratio(float(self.similarity), images), images),
            "mse_inside": Mean(_ratio(inside, elements_inside), images_inside),
            "mse_outside": Mean(_ratio(outside, elements_outside), images_outside),
            "region": Mean(_ratio(elements_inside, elements), images),
            "mse_unedited": Mean(_ratio(float(self.unedited), elements_inside), images_inside),
        }


def _ratio(total: float, count: int) -> float:
    return total / count if count else math.nan
