"""AIF, Figure 4: what is said and drawn of a model with several attributes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facet.measures.intervals import wilson
from facet.report.aif_figures import write_report
from facet.report.many_attributes import drift_matrix
from facet.report.results import RowRuns, read_run

NAMES = ("Smiling", "Black_Hair", "Blond_Hair")
MakeRun = Callable[..., tuple[int, Path]]


@pytest.fixture
def many(make_run: MakeRun) -> tuple[int, Path]:
    """Edits succeed in 90%, 80% and 70%; Smiling moves Black_Hair in 10%; the hair colours exclude each other."""
    seed, directory = make_run("many")
    content = json.loads((directory / "results.json").read_text())
    content["attribute_names"] = list(NAMES)
    measures = content["measures"]

    def rate(value: float) -> dict[str, float]:
        return wilson(round(1000 * value), 1000).as_dict()

    one = measures["edits"]["Smiling"]
    drift: dict[str, Any] = {}
    for i, name in enumerate(NAMES):
        full = {**one["full"], "off": rate(0.9 - 0.1 * i), "on": rate(0.9 - 0.1 * i)}
        measures["edits"][name] = {**one, "full": full}
        others = [other for other in NAMES if other != name and not {other, name} <= set(NAMES[1:])]
        flips = {other: rate(0.1 if other == "Black_Hair" else 0.0) for other in others}
        drift[name] = {"on": flips, "off": flips, "mean": 0.05 if i == 0 else 0.0}
    measures["drift"] = drift
    (directory / "results.json").write_text(json.dumps(content))
    faces = np.random.default_rng(0).integers(0, 256, (5, 3, 16, 16), np.uint8)
    turned = {"turned": np.stack([faces] * 3), "turned_on": np.ones((3, 5), bool), "faces_reconstruction": faces}
    strips = dict.fromkeys(("original", "reconstruction", "off", "on", "faces"), faces)
    np.savez(directory / "examples.npz", **strips, **turned)
    return seed, directory


def test_the_matrix_of_what_edits_change(many: tuple[int, Path]) -> None:
    matrix = drift_matrix(read_run("many", *many), NAMES)
    expected = [[0.9, 0.1, 0.0], [0.0, 0.8, np.nan], [0.0, np.nan, 0.7]]
    np.testing.assert_allclose(matrix, expected)


def test_the_page_has_single_models_and_one_for_all(many: tuple[int, Path], make_run: MakeRun, tmp_path: Path) -> None:
    rows = [RowRuns("ours", "ours", [make_run("ours")]), RowRuns("many", "many", [many])]
    text = write_report("aif-figure4", rows, tmp_path / "report", ["a command"]).read_text()
    assert "3 attributes: 80.0% of the edits succeed, and 1.7% of the readings" in text
    assert text.count('<th scope="row">Black Hair</th>') == 1
    assert text.count('<th scope="row">Smiling</th>') == 2, "on its own and among all"
    assert {file.name for file in (tmp_path / "report").glob("*.png")} == {
        "ours.png",
        "many-faces.png",
        "many-drift.png",
    }
    csv = (tmp_path / "report" / "table.csv").read_text().splitlines()
    assert len(csv) == 1 + 1 + 3
