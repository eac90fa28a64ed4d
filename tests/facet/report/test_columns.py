"""``table.csv`` of every page: one name, one meaning, and docs/measures.md says which; every attribute has its line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from invented_pages import row_of
from matplotlib.figure import Figure

from facet.errors import UserError
from facet.measures import catalogue
from facet.measures.intervals import wilson
from facet.measures.registry import MEASURES
from facet.pages import load, names
from facet.report.columns import Column, Subject
from facet.report.page import write
from facet.results import Line
from facet.runs import Run
from facet.summary import summary_of

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


def documented() -> str:
    """The section of docs/measures.md."""
    return DOCUMENT.read_text("utf-8").split("## Columns of `table.csv`")[1]


def written(where: str, run: tuple[int, Path], directory: Path) -> list[dict[str, str]]:
    """The lines of a page's ``table.csv``, the run being of the page's first row."""
    page = load(where)
    write(page, {next(iter(page.rows)): [run]}, directory, [])
    with (directory / "table.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("where", names())
def test_a_page_holds_every_number_of_its_runs_by_name(
    where: str, run: tuple[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Figure, "savefig", lambda figure, *given, **how: None)
    lines = written(where, run, tmp_path)
    assert tuple(lines[0]) == Line._fields
    assert {line["measure"] for line in lines} <= set(MEASURES)
    held = {(line["measure"], line["attribute"]): line for line in lines if not line["other"]}
    for measure, values in (("edit_on", ("0.8", "0.5")), ("distance", ("0.31", "0.77")), ("drift", ("0.01", "0.02"))):
        assert [held[measure, name]["value"] for name in NAMES] == list(values)
    assert held["edit_on_full", "Eyeglasses"]["value"] == "0.25"
    assert held["edit_on", "Eyeglasses"]["n"] == "1000"
    assert {"", *NAMES} == {line["attribute"] for line in lines}


def test_the_columns_are_defined() -> None:
    before = documented().split("| measure |")[0]
    firsts = re.findall(r"^\| (`.*?`) \|", before, re.MULTILINE)
    assert tuple(name for first in firsts for name in re.findall(r"`(\w+)`", first)) == Line._fields


def test_every_measure_is_defined_and_nothing_else() -> None:
    shown = [line for line in documented().split("\n\n")[-1].splitlines() if line]
    assert shown == catalogue.lines(), "python -m facet.measures.catalogue prints what has to stand there"


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
    row = row_of(run)
    assert row.attribute == "Smiling"
    assert row.spread("edit_on").values == row.spread("edit_on", "Smiling").values == (0.8,)
    assert row.spread("edit_on", "Eyeglasses").values == (0.5,)
    assert row.spread("mse", "Eyeglasses").values == row.spread("mse").values, "it is of the model"


# Columns of a page's tables


def shown(run: tuple[int, Path], **said: object) -> str:
    """What stands in a column."""
    return str(Column.of(said).cell(Subject(row_of(run))))


def test_a_column_shows_a_measure_by_its_unit(run: tuple[int, Path]) -> None:
    assert shown(run, measure="mse") == "0.0112"
    assert shown(run, measure="edit_off").startswith("90.0% (88.")
    assert shown(run, measure="edit_off", interval=False) == "90.0%"
    assert shown(run, measure="edit_off", interval=False, with_count=True) == "90.0% (n = 1,500)"
    assert shown(run, measure="edit_off", count=True) == "1,500"
    assert shown(run, measure="parameters") == "2,332,846"
    assert shown(run, measure="parameters", form="short") == "2.33 M"
    assert shown(run, measure="resolution", form="side") == "32×32"
    assert shown(run, measure="seconds") == "6.7"
    assert shown(run, measure="leakage_bits_mean", form="bit") == "0.30 bit"
    assert shown(run, measure="is_controlled", words={0: "no", 1: "yes"}) == "no"
    assert shown(run, measure="code_size") == "–"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("edit_onn", "there is no measure 'edit_onn'; nearest: .*edit_on"),
        ({"mesure": "mse"}, "a column has no 'mesure'; nearest: measure"),
        ({"title": "nothing"}, "a column shows a measure, a fact, the row or the seed"),
    ],
)
def test_a_mistake_in_a_column_is_one_line(said: str | dict[str, str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        Column.of(said)
