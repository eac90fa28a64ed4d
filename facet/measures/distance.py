"""Fréchet distance between a set of images and the test split, in the judge's features."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance


class FeatureDistance(nn.Module):
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½) between Gaussians fitted to features (Heusel et al. 2017, eq. 6).

    The features are those of the project's judge, so this is not the FID: values compare systems on one data set and
    resolution only. Edits are compared with the unedited test split, in which the attribute has other frequencies; so
    no system reaches 0.

    Args:
        kinds: number of sets that are compared with the real images.
        features: F, the width of a feature vector.
    """

    def __init__(self, kinds: int, features: int) -> None:
        super().__init__()
        self.distances: Any = nn.ModuleList(FrechetInceptionDistance(_Identity(features)) for _ in range(kinds))

    def update(self, real: Tensor, made: Tensor) -> None:
        """Count a batch.

        Args:
            real: features of test images, ``[B, F]``.
            made: features of the images made from them, one of each kind, ``[B, kinds, F]``.
        """
        for i, distance in enumerate(self.distances):
            distance.update(real, real=True)
            distance.update(made[:, i], real=False)

    def compute(self) -> list[float]:
        """The distance of every kind; NaN for fewer than two images and for a model that has diverged."""
        return [_distance(distance) for distance in self.distances]


def _distance(sums: FrechetInceptionDistance) -> float:
    known = int(sums.real_features_num_samples) > 1 and bool(sums.fake_features_cov_sum.isfinite().all())
    return float(sums.compute()) if known else math.nan


class _Identity(nn.Identity):
    """The feature network of torchmetrics' metric, which is given features instead of images."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.num_features = features
