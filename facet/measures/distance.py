"""How far a set of pictures is from the test split as a whole: Fréchet distance in the judge's features."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance


class FeatureDistance(nn.Module):
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½) between Gaussians fitted to features (Heusel et al. 2017, eq. 6).

    In features of our own judge, so it is no FID: values compare systems on one data set and resolution only. Edits
    are compared with the unedited test split, whose share of the attribute they turn over, so no system reaches 0.

    Args:
        kinds: how many sets are compared with the real one.
        features: F, the width of a feature vector.
    """

    def __init__(self, kinds: int, features: int) -> None:
        super().__init__()
        self.distances: Any = nn.ModuleList(FrechetInceptionDistance(_AsTheyAre(features)) for _ in range(kinds))

    def update(self, real: Tensor, made: Tensor) -> None:
        """Count a batch.

        Args:
            real: features of test images, ``[B, F]``.
            made: of what was made of them, in the order of the kinds, ``[B, kinds, F]``.
        """
        for i, distance in enumerate(self.distances):
            distance.update(real, real=True)
            distance.update(made[:, i], real=False)

    def compute(self) -> list[float]:
        """The distance of every kind; NaN from fewer than two images, and from a model that has diverged."""
        return [_distance(distance) for distance in self.distances]


def _distance(sums: FrechetInceptionDistance) -> float:
    known = int(sums.real_features_num_samples) > 1 and bool(sums.fake_features_cov_sum.isfinite().all())
    return float(sums.compute()) if known else math.nan


class _AsTheyAre(nn.Identity):
    """A feature network for those who have the features already."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.num_features = features
