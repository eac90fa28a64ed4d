"""What a statistic is taken over doesn't depend on how many processes there are."""

from __future__ import annotations

import pytest
import torch
from ranks import found_by_ranks
from shares import SIZE, SYSTEMS, of_share


@pytest.mark.parametrize("system", SYSTEMS)
def test_two_processes_make_of_a_batch_what_one_makes_of_it(system: str) -> None:
    """Losses, their gradient, what is remembered of codes, centres of classes."""
    alone = of_share(0, SIZE, None, lambda values: values)[system]
    assert alone["gradient"].norm() > 1e-6
    for found in found_by_ranks("shares"):  # in float64: networks that have learned nothing have small covariances
        torch.testing.assert_close(found[system], alone, rtol=1e-6, atol=1e-12)
