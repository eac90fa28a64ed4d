"""Nothing grows with the length of a run (``python -m tests.soak steps=20000``: at length)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from soak import Sample, grown, soak

FLAT = [Sample(1000 * (i + 1), 940.0, 40.0, 14, 25.0, 800.0, 2.0 * i) for i in range(20)]


@pytest.mark.parametrize("leak", [{"resident": 960.0}, {"beside": 50.0}, {"files": 15}, {"checkpoint": 817.0}])
def test_what_grows_is_named(leak: dict[str, float]) -> None:
    assert grown(FLAT) == []
    assert [one.split()[0] for one in grown([*FLAT[:-1], replace(FLAT[-1], **leak)])] == list(leak)


def test_steps_that_become_slower_are_named_and_a_slow_sample_is_not() -> None:
    slower = [replace(one, milliseconds=25 + 0.5 * i) for i, one in enumerate(FLAT)]
    assert [line.split()[0] for line in grown(slower)] == ["milliseconds"]
    assert grown([*FLAT[:-1], replace(FLAT[-1], milliseconds=50.0)]) == []


@pytest.mark.reliability
def test_two_thousand_steps_leave_nothing_behind(tmp_path: Path) -> None:
    after_a_validation = soak(tmp_path, 2000)[6:]  # in which W&B is shown its first picture
    assert grown(after_a_validation) == []
