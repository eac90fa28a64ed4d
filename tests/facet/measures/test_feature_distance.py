"""The Fréchet distance in features, where there is one and where there is none."""

import math

import pytest
import torch

from facet.measures.distance import FeatureDistance


def test_of_a_shift_and_of_a_stretch() -> None:
    torch.manual_seed(0)
    real = torch.randn(500, 2)
    distance = FeatureDistance(3, 2)
    distance.update(
        real, torch.stack([real, real + torch.tensor([3.0, 4.0]), 2 * (real - real.mean(0)) + real.mean(0)], 1)
    )
    same, shifted, stretched = distance.compute()
    assert same == pytest.approx(0, abs=1e-3)
    assert shifted == pytest.approx(25, rel=1e-3)
    # tr(Σ + 4Σ - 2 · 2Σ)
    assert stretched == pytest.approx(float(real.var(0).sum()), rel=1e-3)


def test_there_is_none_of_a_model_that_has_diverged(capfd: pytest.CaptureFixture[str]) -> None:
    real = torch.randn(20, 3)
    distance = FeatureDistance(2, 3)
    distance.update(real, torch.stack([real, torch.full((20, 3), math.nan)], 1))
    fine, diverged = distance.compute()
    assert math.isfinite(fine)
    assert math.isnan(diverged)
    assert "ERROR" not in "".join(capfd.readouterr()), "LAPACK was asked for the eigenvalues of nothing"


def test_there_is_none_of_a_single_image() -> None:
    distance = FeatureDistance(1, 2)
    distance.update(torch.ones(1, 2), torch.ones(1, 1, 2))
    assert math.isnan(distance.compute()[0])
