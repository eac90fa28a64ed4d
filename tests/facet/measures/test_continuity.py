"""A dial has every step, a switch one of eight, a picture that ignores the number none."""

import pytest
import torch
from torch import Tensor

from facet.measures.continuity import STEPS, graded


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        (lambda value: value, 1.0),
        (lambda value: value.clamp(0, 1), 0.5),
        (lambda value: (value > 0.5).float(), 1 / 8),
        (lambda value: torch.zeros_like(value), 0.0),
        (lambda value: -value, 0.0),
        (lambda value: value.tanh(), 1.0),
    ],
)
def test_the_share_of_steps_that_rise(drawn: object, expected: float) -> None:
    assert callable(drawn)
    readings: Tensor = drawn(STEPS).repeat(3, 1) * torch.tensor([[1.0], [5.0], [30.0]])
    assert graded(readings).tolist() == [expected] * 3
