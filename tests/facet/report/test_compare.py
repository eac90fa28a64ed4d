"""The page of all systems by all measures."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import pytest
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from facet.pages import load
from facet.report import style
from facet.report.blocks import Figure
from facet.report.context import Context
from facet.report.page import write
from facet.report.sections import render
from facet.report.sections.scatter import LINE, front, places

MakeRun = Callable[..., tuple[int, Path]]
Runs = dict[str, list[tuple[int, Path]]]
PAGE = load("compare")


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Runs], str]:
    """Write the page of these runs, without its figures; its text."""
    monkeypatch.setattr(style, "save", lambda draw, kind, scheme="light": b"")
    return lambda runs: write(PAGE, runs, tmp_path / "report", ["facet-report compare"]).read_text()


def values(text: str, title: str) -> dict[str, str]:
    """What a system's line is sorted by, by column."""
    table = text.split('id="table"')[1].split("</table>")[0]
    heads = re.findall(r'data-better="[^"]*"><button>(.*?)\s*[↑↓]?\s*</button>', table)
    (line,) = [line for line in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL) if f'scope="row">{title}<' in line]
    found = re.findall(r'data-value="([^"]*)"', line)
    assert len(found) == len(heads) == 19
    return dict(zip(reversed(heads), reversed(found), strict=True))  # of two columns of a name the first counts


def measured(place: Path, measure: str) -> list[tuple[str, str, str, float]]:
    """The lines of a measure in the tidy table: row, seed, stage and value."""
    with (place / "report" / "table.csv").open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["measure"] == measure]
    return [(line["row"], line["seed"], line["stage"], float(line["value"])) for line in lines]


def test_titles_of_dots_that_lie_together_stand_apart() -> None:
    dots = [(100.0, 200.0), (104.0, 203.0), (90.0, 198.0), (400.0, 201.0)]
    found = places(dots, [60.0] * 4, Bbox.from_bounds(0, 0, 600, 400))
    assert found[3] == (True, 0), "alone"
    right = [y + level * LINE for (_, y), (to_right, level) in zip(dots, found, strict=True) if to_right][:-1]
    for one, other in zip(sorted(right), sorted(right)[1:], strict=False):
        assert other - one >= LINE - 0.1


def test_a_title_that_had_to_move_keeps_a_line_to_its_dot(make_run: MakeRun) -> None:
    runs = {
        "ours": [make_run("ours", mse=0.004)],
        "best": [make_run("best", mse=0.0041)],
        "icgan": [make_run("icgan", mse=0.07)],
    }
    section = render("reconstruction", PAGE.sections["reconstruction"], Context.of(PAGE, runs))
    assert section
    (figure,) = section.blocks
    assert isinstance(figure, Figure)
    assert callable(figure.drawn)
    (ax,) = figure.drawn("light").axes
    titles = [text for text in ax.texts if isinstance(text, Annotation)]
    named = {key: PAGE.rows[key].title for key in runs}
    assert {text.get_text() for text in titles} == set(named.values())
    moved = {text.get_text() for text in titles if text.arrow_patch is not None}
    assert len(moved & {named["ours"], named["best"]}) <= 1, "one of the two that lie together"
    assert named["icgan"] not in moved, "alone"


def test_a_line_per_system_with_means_over_seeds(
    make_run: MakeRun, tmp_path: Path, page: Callable[[Runs], str]
) -> None:
    runs = {
        "ours": [make_run("ours", 0, mse=0.004), make_run("ours", 1, mse=0.006)],
        "icgan": [make_run("icgan", mse=0.07)],
    }
    text = page(runs)
    assert float(values(text, "IFcVAE-GAN")["MSE"]) == 0.005
    assert float(values(text, "IcGAN")["MSE"]) == 0.07
    assert "± " in text
    assert measured(tmp_path, "mse") == [("ours", "0", "", 0.004), ("ours", "1", "", 0.006), ("icgan", "0", "", 0.07)]
    with (tmp_path / "report" / "table.csv").open(newline="") as file:
        first = next(line for line in csv.DictReader(file) if line["measure"] == "edit_on")
    assert float(first["low"]) < float(first["value"]) < float(first["high"])
    assert measured(tmp_path, "images_per_second")[0][3] == pytest.approx(166_400 / 402.5, abs=1e-6)


def test_the_best_is_not_one_whose_edits_cant_be_interpreted(make_run: MakeRun, page: Callable[[Runs], str]) -> None:
    runs = {
        "ours": [make_run("ours", mse=0.01)],
        "no_gan": [make_run("no_gan", mse=0.001, reconstruction=(0.5, 0.99))],
    }
    text = page(runs)
    assert re.findall(r'class="best" data-value="([\d.]+)"', text)[0] == "0.01"


def test_a_run_that_is_missing_is_named(make_run: MakeRun, tmp_path: Path, page: Callable[[Runs], str]) -> None:
    text = page({"ours": [make_run("ours")], "fader": [(0, tmp_path / "nothing")]})
    assert "Fader Networks, seed 0: never run" in text
    assert set(values(text, "Fader Networks").values()) == {""}


def test_the_front_holds_what_nothing_else_beats_in_both() -> None:
    points = [(0.1, 0.9), (0.2, 0.95), (0.15, 0.8), (0.2, 0.7), (0.3, 0.95)]
    assert front(points) == [(0.1, 0.9), (0.2, 0.95)]


def staged(path: Path, sizes: tuple[int, ...]) -> None:
    """Give a run's results stages of these sizes, of growing MSE 0.1, 0.2, …; the last is the run itself."""
    content = json.loads((path / "results.json").read_text())
    whole = content["measures"]
    stages = [
        {**whole, "parameters": 1000 * size, "nuisance": size, "mse": {"value": 0.1 * (i + 1), "n": 10}}
        for i, size in enumerate(sizes)
    ]
    content["measures"] = {**stages[-1], "stages": stages}
    content["training"]["parameters"] = {"network": 1000 * sizes[-1]}
    (path / "results.json").write_text(json.dumps(content))


SIZES = tuple(enumerate((8, 16, 32)))


def test_a_method_with_stages_has_a_line_for_each(
    make_run: MakeRun, tmp_path: Path, page: Callable[[Runs], str]
) -> None:
    runs = {"ours": [make_run("ours", mse=0.01)], "student": [make_run("student")], "control": [make_run("control")]}
    for row in ("student", "control"):
        staged(runs[row][0][1], (8, 16, 32))
    text = page(runs)
    for title, mse in (("teacher of 8", 0.1), ("student of 16", 0.2), ("student of 32", 0.3)):
        assert float(values(text, f"JacSup, {title}")["MSE"]) == pytest.approx(mse)
    assert float(values(text, "JacSup without Jacobian supervision")["MSE"]) == pytest.approx(0.3), "its last stage"
    seconds = [bool(values(text, f"JacSup, {title}")["minutes"]) for title in ("teacher of 8", "student of 32")]
    assert seconds == [False, True], "of the whole run"
    parameters = [line for line in measured(tmp_path, "parameters") if line[2]]
    sizes = [(row, "0", str(stage), 1000.0 * size) for row in ("student", "control") for stage, size in SIZES]
    assert parameters == sizes
    assert [line[:3] for line in measured(tmp_path, "seconds") if line[2]] == [
        *(("student", "0", "2"), ("control", "0", "2")),
    ]


def test_models_of_several_attributes_are_compared_by_their_means(
    make_run: MakeRun, page: Callable[[Runs], str]
) -> None:
    seed, path = make_run("many", off=0.9, on=0.8)
    content = json.loads((path / "results.json").read_text())
    content["attribute_names"].append("Eyeglasses")
    measures = content["measures"]
    measures["nuisance"] = 64
    for name in ("edits", "drift", "counterfactual"):
        measures[name]["Eyeglasses"] = measures[name]["Smiling"]
    measures["counterfactual"] = {
        name: {"mse_inside": {"value": inside, "n": 5}, "mse_unedited": {"value": 0.4, "n": 5}}
        for name, inside in (("Smiling", 0.1), ("Eyeglasses", 0.2))
    }
    (path / "results.json").write_text(json.dumps(content))
    text = page({"ours": [make_run("ours")], "many": [(seed, path)]})
    table = text.split("Several attributes in one model")[-1].split("</table>")[0]
    (line,) = re.findall(r'<th scope="row">IFcVAE-GAN, several attributes</th>\s*(<td>.*?)</tr>', table, re.DOTALL)
    cells = re.findall(r"<td>(.*?)</td>", line)
    assert cells[-1] == "62.5%", "1 - .1/.4 and 1 - .2/.4"
    assert cells[3] == f"{100 * fmean((0.9, 0.78)):.1f}%", "taken away and given"
    assert '<th scope="row">IFcVAE-GAN</th>' not in table, "it has one attribute"
    assert "Several attributes in one model" not in page({"ours": [make_run("ours", 1)]})
