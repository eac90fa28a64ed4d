"""Some odd inputs of every kind, the same every time; ``python -m tests.fuzz`` tries as many others as it is told."""

from __future__ import annotations

from typing import Any

import pytest
from fuzzing.harness import outcome
from fuzzing.kinds import KINDS
from hypothesis import HealthCheck, Phase, given, settings

EACH = 5  # inputs for a share of 1


@pytest.mark.parametrize("name", KINDS)
def test_exit_codes_are_0_and_2_and_nothing_is_half_written(name: str) -> None:
    @settings(
        max_examples=EACH * KINDS[name].share,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # the first that is found, as it is: making it smaller takes minutes
        suppress_health_check=list(HealthCheck),
    )
    @given(KINDS[name].inputs)
    def each(some: Any) -> None:
        assert outcome(KINDS[name], some) in (0, 2)

    each()
