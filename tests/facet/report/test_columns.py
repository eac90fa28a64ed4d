"""``table.csv`` of every page: one name, one meaning, and docs/measures.md says which; every attribute has its line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from facet.report.tables import TableSpec

from facet.evaluate import summary_of
from facet.measures.intervals import wilson
from facet.report import aif_figures, characteristics, compare, growth_results, kl_page, page, staged_page
from facet.report.results import Row, RowRuns, read_run
from facet.runs import Run

Make = Callable[..., tuple[int, Path]]
DOCUMENT = Path(__file__).parents[3] / "docs" / "measures.md"
NAMES = ("Smiling", "Eyeglasses")


@pytest.fixture
def run(make_run: Make) -> tuple[int, Path]:
    """Of two attributes; the second one's edits succeed less often, by the paper's protocol and over all inputs."""
    seed, path = make_run("ours", off=0.9, on=0.8)
    content = json.loads((path / "results.json").read_text())
    content["attribute_names"] = list(NAMES)
    measures = content["measures"]
    measures |= {"nuisance": 8, "resolution": 32, "continuity": dict.fromkeys(NAMES, 0.5)}
    for name in ("reconstruction", "edits", "classifier", "leakage", "identity", "distance", "counterfactual"):
        measures[name]["Eyeglasses"] = json.loads(json.dumps(measures[name]["Smiling"]))
    measures["drift"]["Eyeglasses"] = measures["drift"]["Smiling"] | {"mean": 0.02}
    measures["distance"]["Eyeglasses"] = 0.77
    measures["counterfactual"] = {
        name: each | {"mse_unedited": {"value": 0.4, "n": 9}} for name, each in measures["counterfactual"].items()
    }
    for protocol, value in (("paper", 0.5), ("full", 0.25)):
        measures["edits"]["Eyeglasses"][protocol]["on"] = wilson(int(1000 * value), 1000).as_dict()
    (path / "results.json").write_text(json.dumps(content))
    faces = np.zeros((4, 3, 16, 16), np.uint8)
    np.savez(path / "examples.npz", **dict.fromkeys(("original", "reconstruction", "off", "on"), faces))
    return seed, path


def documented() -> set[str]:
    """The columns that docs/measures.md defines."""
    section = DOCUMENT.read_text("utf-8").split("## Columns of `table.csv`")[1]
    firsts = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    return {name for first in firsts for name in re.findall(r"`(\w+)`", first)}


def written(where: str, run: tuple[int, Path], directory: Path) -> list[dict[str, str]]:
    """The lines of a page's ``table.csv``."""
    rows = [RowRuns("ours-0.002" if where in kl_page.PAGES else "ours", "ours", [run])]
    if where == "table1":
        page.write_report(TableSpec.of(where), rows, directory, [])
    else:
        next(each for each in MODULES if where in each.PAGES).write_report(where, rows, directory, [])
    with (directory / "table.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


MODULES = (aif_figures, compare, kl_page, staged_page, characteristics)
PAGES = ("table1", *(name for module in MODULES for name in module.PAGES))


@pytest.mark.parametrize("where", PAGES)
def test_every_column_is_defined_and_every_attribute_has_its_line(
    where: str, run: tuple[int, Path], tmp_path: Path
) -> None:
    lines = written(where, run, tmp_path)
    assert set(lines[0]) <= documented(), "docs/measures.md defines every column"
    if where not in characteristics.PAGES:
        assert [line["attribute"] for line in lines] == list(NAMES)
    on = {"paper": "0.5", "full": "0.25"}
    for line in lines:
        if "edit_on" in line:
            assert line["protocol"] in on
            assert line["attribute"] != "Eyeglasses" or line["edit_on"] == on[line["protocol"]]
        if line.get("distance"):
            assert line["distance"] == {"Smiling": "0.31", "Eyeglasses": "0.77"}[line["attribute"]]


def test_the_columns_of_growing_codes_are_defined() -> None:
    assert set(growth_results.COLUMNS) <= documented()


def test_nothing_is_defined_that_no_page_writes(run: tuple[int, Path], tmp_path: Path) -> None:
    heads = [set(written(where, run, tmp_path / where)[0]) for where in PAGES]
    assert documented() == set(growth_results.COLUMNS).union(*heads)


def test_a_table_shows_every_attribute_of_a_model_of_several(
    run: tuple[int, Path], make_run: Make, tmp_path: Path
) -> None:
    written("table1", run, tmp_path)
    html = (tmp_path / "index.html").read_text("utf-8")
    section = html.split("<h2>Every attribute in numbers</h2>")[1].split("</section>")[0]
    assert re.findall(r'<th scope="row">(\w+)</th>', section) == list(NAMES)
    written("table1", make_run("alone"), tmp_path / "alone")
    assert "Every attribute in numbers" not in (tmp_path / "alone" / "index.html").read_text("utf-8")


def test_the_summary_has_every_attribute(run: tuple[int, Path], make_run: Make) -> None:
    several, one = summary_of(Run(run[1])), summary_of(Run(make_run("alone", off=0.9, on=0.8)[1]))
    assert (several["test/edit_on/Smiling"], several["test/edit_on/Eyeglasses"]) == (0.8, 0.5)
    assert several["test/edit_on_low/Eyeglasses"] < 0.5
    assert several["test/edits"] == pytest.approx((0.9 + 0.8 + 0.9 + 0.5) / 4)
    assert "test/edit_on" not in several
    assert several["test/mse"] == one["test/mse"]
    assert (one["test/edit_on"], one["test/edits"]) == (0.8, pytest.approx(0.85))


def test_an_attribute_is_chosen(run: tuple[int, Path]) -> None:
    result = read_run("ours", *run)
    first, second = result.by_attribute()
    assert result.attribute == first.attribute == "Smiling"
    assert second.attribute == "Eyeglasses"
    assert Row("ours", "ours", (second,)).spread("edit_on") != Row("ours", "ours", (first,)).spread("edit_on")
