"""docs/pictures.py: what its pictures say of made-up edits is what the measures say, and its counts are the log's."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "docs" / "pictures.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pictures", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_stands_below_the_edits(script: ModuleType) -> None:
    said = [axes.get_xlabel() for axes in script.true_change().axes if axes.get_xlabel()]
    changes = [float(text.split()[2]) for text in said]
    outside = [float(text.split()[-1]) for text in said]
    assert changes == [0.0, 0.75, 1.0, 1.0]
    assert outside[:3] == [0.0, 0.0, 0.0]
    assert outside[3] > 0.001


def test_every_rate_has_both_intervals(script: ModuleType) -> None:
    (axes,) = script.intervals().axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(script.RATES)
    assert len(axes.containers) == 2 * len(script.RATES)
