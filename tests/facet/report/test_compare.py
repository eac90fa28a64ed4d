"""The page of all systems by all measures, and the section that draws one measure against another."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from facet import pages
from facet.report import page as pages_of
from facet.report import sections
from facet.report.context import Context
from facet.report.sections import scatter
from facet.report.texts import drawn_symbols

MakeRun = Callable[..., tuple[int, Path]]
Runs = dict[str, list[tuple[int, Path]]]


def page(tmp_path: Path, runs: Runs) -> str:
    return pages_of.write(pages.load("compare"), runs, tmp_path / "report", ["facet-report compare"]).read_text()


def cells(text: str, title: str) -> list[str]:
    """What a row is sorted by."""
    (line,) = [line for line in re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL) if f'scope="row">{title}' in line]
    return re.findall(r'data-value="([^"]*)"', line)


def lines_of(tmp_path: Path, measure: str) -> list[dict[str, str]]:
    """What ``table.csv`` holds of a measure."""
    with (tmp_path / "report" / "table.csv").open(newline="") as file:
        return [line for line in csv.DictReader(file) if line["measure"] == measure]


def test_every_system_has_a_look_of_its_own_and_its_title_in_the_legend(make_run: MakeRun) -> None:
    compare = pages.load("compare")
    runs = {key: [make_run(key, mse=0.004)] for key in compare.rows}
    said = {name: value for name, value in compare.sections["reconstruction"].items() if name not in sections.ANY}
    (block,) = scatter.render(Context.of(compare, runs), **said)
    figure = block.drawn()  # type: ignore[union-attr, operator]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        drawn_symbols(row.title) for row in compare.rows.values()
    ]
    looks = {(line.get_color(), line.get_marker()) for line in legend.get_lines()}
    assert len(looks) == len(runs) > len(scatter.MARKERS)


def test_a_line_per_system_with_means_over_seeds(make_run: MakeRun, tmp_path: Path) -> None:
    runs = {
        "ours": [make_run("ours", 0, mse=0.004), make_run("ours", 1, mse=0.006)],
        "icgan": [make_run("icgan", mse=0.07)],
    }
    text = page(tmp_path, runs)
    assert float(cells(text, "IFcVAE-GAN<")[1]) == 0.005
    assert float(cells(text, "IcGAN")[1]) == 0.07
    assert "± " in text
    lines = lines_of(tmp_path, "mse")
    assert [(line["row"], line["seed"], line["value"]) for line in lines] == [
        ("ours", "0", "0.004"),
        ("ours", "1", "0.006"),
        ("icgan", "0", "0.07"),
    ]
    edits = lines_of(tmp_path, "edit_on_full")[0]
    assert float(edits["low"]) < float(edits["value"]) < float(edits["high"])
    assert float(lines_of(tmp_path, "images_per_second")[0]["value"]) == pytest.approx(166_400 / 402.5)


def test_the_best_is_not_one_whose_edits_cant_be_interpreted(make_run: MakeRun, tmp_path: Path) -> None:
    runs = {
        "ours": [make_run("ours", mse=0.01)],
        "no_gan": [make_run("no_gan", mse=0.001, reconstruction=(0.5, 0.99))],
    }
    text = page(tmp_path, runs)
    assert re.findall(r'class="best" data-value="([\d.]+)"', text)[0] == "0.01"


def test_a_run_that_is_missing_is_named(make_run: MakeRun, tmp_path: Path) -> None:
    text = page(tmp_path, {"ours": [make_run("ours")], "fader": [(0, tmp_path / "nothing")]})
    assert "Fader Networks, seed 0: never run" in text
    assert set(cells(text, "Fader Networks<")) == {""}


def test_the_front_holds_what_nothing_else_beats_in_both() -> None:
    points = [(0.1, 0.9), (0.2, 0.95), (0.15, 0.8), (0.2, 0.7), (0.3, 0.95)]
    assert scatter.front(points) == [(0.1, 0.9), (0.2, 0.95)]


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


def test_a_method_with_stages_has_a_line_for_each(make_run: MakeRun, tmp_path: Path) -> None:
    runs = {"ours": [make_run("ours", mse=0.01)], "student": [make_run("student")], "control": [make_run("control")]}
    for row in ("student", "control"):
        staged(runs[row][0][1], (8, 16, 32))
    text = page(tmp_path, runs)
    for title, mse in (("teacher of 8", 0.1), ("student of 16", 0.2), ("student of 32", 0.3)):
        assert float(cells(text, f"JacSup, {title}")[1]) == pytest.approx(mse)
    assert float(cells(text, "JacSup without Jacobian supervision")[1]) > 0.29
    stages = [line for line in lines_of(tmp_path, "parameters") if line["row"] == "student" and line["stage"]]
    assert [(line["stage"], line["value"]) for line in stages] == [("0", "8000.0"), ("1", "16000.0"), ("2", "32000.0")]
    seconds = [cells(text, f"JacSup, {title}")[-2] for title in ("teacher of 8", "student of 16", "student of 32")]
    assert [bool(each) for each in seconds] == [False, False, True], "of the whole run"


def test_models_of_several_attributes_are_compared_by_their_means(make_run: MakeRun, tmp_path: Path) -> None:
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
    text = page(tmp_path, {"ours": [make_run("ours")], "many": [(seed, path)]})
    table = text.split("Several attributes in one model")[-1].split("</table>")[0]
    (line,) = re.findall(r'<th scope="row">IFcVAE-GAN, several attributes</th>\s*(<td>.*?)</tr>', table, re.DOTALL)
    assert re.findall(r"<td>(.*?)</td>", line)[-1] == "62.5%", "1 - .1/.4 and 1 - .2/.4"
    assert '<th scope="row">IFcVAE-GAN</th>' not in table, "it has one attribute"
    assert "Several attributes in one model" not in page(tmp_path / "other", {"ours": [make_run("ours", 1)]})
