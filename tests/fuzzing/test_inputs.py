"""Some odd inputs of every kind, the same every time; ``python -m tests.fuzz`` tries as many others as it is told."""

from __future__ import annotations

from typing import Any

import pytest
from fuzzing.harness import outcome
from fuzzing.kinds import KINDS
from fuzzing.run_inputs import STATUS, as_json
from hypothesis import HealthCheck, Phase, given, settings


@pytest.mark.reliability
@pytest.mark.parametrize("name", KINDS)
def test_exit_codes_are_0_and_2_and_nothing_is_half_written(name: str) -> None:
    @settings(
        max_examples=KINDS[name].few,
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


FOUND: list[tuple[str, Any]] = [  # once, and mended
    ("status.json", ({"status.json": as_json(STATUS)}, "table1")),  # names files, and the data are drawn
]


@pytest.mark.parametrize(("name", "given"), FOUND)
def test_what_was_found_once(name: str, given: Any) -> None:
    assert outcome(KINDS[name], given) in (0, 2)
