"""The picture that ``facet-bench steps`` draws of sizes that differ."""

from __future__ import annotations

from typing import Any

import pytest

from facet.benchmarks.growth import growing, picture
from facet.report.style import Scheme, save


def step(method: str, side: int, batch: int, authors: bool = False) -> dict[str, Any]:
    took = side**2 * batch / 1000
    return {
        "method": method,
        "resolution": side,
        "batch_size": batch,
        "ours": {"median_ms": took},
        "authors": {"median_ms": 2 * took} if authors else None,
        "floor_ms": took / 2,
    }


def test_another_methods_size_is_no_growth() -> None:
    assert growing([step("aif", 32, 64), step("jacsup_digits", 28, 128)]) == []
    assert growing([step("aif", 32, 64), step("aif", 64, 64), step("jacsup_digits", 28, 128)]) == ["resolution"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ours_the_floor_and_the_authors_are_lines_over_what_grows(scheme: Scheme) -> None:
    steps = [step("aif", side, batch, authors=True) for side in (32, 64) for batch in (16, 64)]
    figure = picture(steps)()
    over_batch, over_side = figure.axes
    for ax, label, ends in ((over_batch, "batch", [16, 64]), (over_side, "side, pixels", [32, 64])):
        assert ax.get_xlabel() == label
        ours, floor, theirs = (list(line.get_ydata()) for line in ax.lines[:3])
        assert list(ax.lines[0].get_xdata()) == ends
        assert [2 * value for value in floor] == ours == [value / 2 for value in theirs]
    assert save(picture(steps), "png", scheme).startswith(b"\x89PNG")
