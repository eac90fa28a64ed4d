"""AIF, Figure 4: what is said and drawn of a model with several attributes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facet import pages
from facet.measures.intervals import wilson
from facet.report import page
from facet.report.blocks import Figure
from facet.report.context import Context
from facet.report.sections import turned
from facet.report.sections.heatmap import matrix
from facet.results import read_run

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
    expected = [[0.9, 0.1, 0.0], [0.0, 0.8, np.nan], [0.0, np.nan, 0.7]]
    np.testing.assert_allclose(matrix(read_run("many", *many)), expected)


def test_the_page_has_single_models_and_one_for_all(many: tuple[int, Path], make_run: MakeRun, tmp_path: Path) -> None:
    found = {"ours": [make_run("ours")], "many": [many]}
    text = page.write(pages.load("aif-figure4"), found, tmp_path / "report", ["a command"]).read_text()
    assert "3 attributes: 80.0% of the edits succeed, and 1.7% of the readings" in " ".join(text.split())
    assert text.count('<th scope="row">Black Hair</th>') == 1
    assert text.count('<th scope="row">Smiling</th>') == 2, "on its own and among all"
    assert "<h3>Smiling, a model of its own" in text
    assert {file.name for file in (tmp_path / "report").glob("*.png")} == {
        "grid-ours-seed0.png",
        "many-faces.png",
        "many-drift.png",
    }
    with (tmp_path / "report" / "table.csv").open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["measure"] == "edit_on_full"]
    assert [(line["row"], line["attribute"]) for line in lines] == [("ours", "Smiling"), *(("many", n) for n in NAMES)]


def test_a_figure_of_faces_ends_and_the_next_one_goes_on(
    many: tuple[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turned, "MOST", 2)
    shown = turned.render(Context.of(pages.load("aif-figure4"), {"many": [many]}), heading="{{ row.key }}")
    figures = [block for block in shown if isinstance(block, Figure)]
    assert [(figure.name, figure.title) for figure in figures] == [("many-faces", "many"), ("many-faces-1", "many")]
    labels = [[ax.get_ylabel() for ax in figure.drawn().axes] for figure in figures if callable(figure.drawn)]
    first = ["original", "reconstruction"]
    assert labels == [[*first, "Smiling", "Black Hair"], [*first, "Blond Hair"]]


@pytest.mark.parametrize("missing", ["turned", "turned_on", "faces", "faces_reconstruction"])
def test_faces_of_which_a_part_is_missing_are_not_shown(missing: str, many: tuple[int, Path]) -> None:
    file = many[1] / "examples.npz"
    with np.load(file) as arrays:
        kept = {name: arrays[name] for name in arrays.files if name != missing}
    np.savez(file, **kept)
    assert turned.render(Context.of(pages.load("aif-figure4"), {"many": [many]})) == []
