"""Mean squared error by hand, and its accumulation."""

import math

import pytest
import torch

from facet.measures.pixels import PixelError


def test_hand_computed() -> None:
    metric = PixelError()
    metric.update(torch.full((2, 3, 4, 4), 0.5), torch.ones(2, 3, 4, 4))
    metric.update(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4))  # an uneven last batch weighs what it holds
    assert metric.compute().value == pytest.approx((0.25 + 0.25 + 0.0) / 3)
    assert metric.compute().n == 3


def test_small_errors_are_not_lost_behind_large_ones() -> None:
    metric = PixelError()
    metric.update(torch.ones(1, 1, 1000, 1000), torch.zeros(1, 1, 1000, 1000))
    for _ in range(1000):  # each 0.01, below half the spacing of float32 at 10⁶
        metric.update(torch.full((1, 1, 1, 1), 0.1), torch.zeros(1, 1, 1, 1))
    assert metric.compute().value == pytest.approx((1e6 + 10) / (1e6 + 1000), rel=1e-9)


def test_half_precision_images() -> None:
    metric = PixelError()
    metric.update(torch.full((1, 1, 300, 300), 0.5, dtype=torch.half), torch.zeros(1, 1, 300, 300, dtype=torch.half))
    assert metric.compute().value == 0.25


def test_nothing_and_mismatch() -> None:
    with pytest.warns(UserWarning, match="before the ``update``"):
        assert math.isnan(PixelError().compute().value)
    with pytest.raises(ValueError, match="one shape"):
        PixelError().update(torch.zeros(2, 1, 4, 4), torch.zeros(1, 1, 4, 4))
