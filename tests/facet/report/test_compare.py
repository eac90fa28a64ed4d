"""The page of all systems by all measures."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.text import Annotation

from facet.report.compare import write_report
from facet.report.compare_plots import apart, pareto, plots
from facet.report.results import RowRuns, read_rows

MakeRun = Callable[..., tuple[int, Path]]


def page(tmp_path: Path, runs: dict[str, list[tuple[int, Path]]]) -> str:
    rows = [RowRuns(key, key, found) for key, found in runs.items()]
    return write_report("compare", rows, tmp_path / "report", ["facet-report table=compare"]).read_text()


def cells(text: str, title: str) -> list[str]:
    """What a row is sorted by."""
    (line,) = [line for line in re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL) if f'scope="row">{title}' in line]
    return re.findall(r'data-value="([^"]*)"', line)


def test_titles_of_dots_that_lie_together_stand_apart() -> None:
    dots = [(100.0, 200.0), (104.0, 203.0), (90.0, 198.0), (400.0, 201.0)]
    heights = [y + 100 / 72 * up for (_, y), up in zip(dots, apart(dots), strict=True)]
    near = sorted(heights[:3])
    assert near[1] - near[0] >= 14.9
    assert near[2] - near[1] >= 14.9
    assert heights[3] == 201.0, "alone"


def test_a_title_that_had_to_move_keeps_a_line_to_its_dot(make_run: MakeRun) -> None:
    runs = {
        "ours": make_run("ours", mse=0.004),
        "best": make_run("best", mse=0.0041),
        "icgan": make_run("icgan", mse=0.07),
    }
    rows = read_rows([RowRuns(key, key, [run]) for key, run in runs.items()], [(key, key) for key in runs])
    (ax,) = plots(rows)["reconstruction"]("light").axes
    titles = [text for text in ax.texts if isinstance(text, Annotation)]
    assert {text.get_text() for text in titles} == set(runs)
    moved = {text.get_text() for text in titles if text.arrow_patch is not None}
    assert len(moved & {"ours", "best"}) == 1, "one of the two that lie together"
    assert "icgan" not in moved, "alone"


def test_a_line_per_system_with_means_over_seeds(make_run: MakeRun, tmp_path: Path) -> None:
    runs = {
        "ours": [make_run("ours", 0, mse=0.004), make_run("ours", 1, mse=0.006)],
        "icgan": [make_run("icgan", mse=0.07)],
    }
    text = page(tmp_path, runs)
    assert float(cells(text, "IFcVAE-GAN")[1]) == 0.005
    assert float(cells(text, "IcGAN")[1]) == 0.07
    assert "± " in text
    lines = list(csv.DictReader((tmp_path / "report" / "table.csv").open()))
    assert [(line["row"], line["seed"], line["mse"]) for line in lines] == [
        ("ours", "0", "0.004"),
        ("ours", "1", "0.006"),
        ("icgan", "0", "0.07"),
    ]
    assert float(lines[0]["edit_on_low"]) < float(lines[0]["edit_on"]) < float(lines[0]["edit_on_high"])
    assert float(lines[0]["images_per_second"]) == 166_400 / 402.5


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
    assert set(cells(text, "Fader Networks")) == {""}


def test_the_front_holds_what_nothing_else_beats_in_both() -> None:
    points = [(0.1, 0.9), (0.2, 0.95), (0.15, 0.8), (0.2, 0.7), (0.3, 0.95)]
    assert pareto(points) == [(0.1, 0.9), (0.2, 0.95)]


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
    assert float(cells(text, "JacSup, the teacher")[1]) > 0.29
    lines = list(csv.DictReader((tmp_path / "report" / "table.csv").open()))
    assert [(line["row"], line["parameters"]) for line in lines[1:]] == [
        ("student-8", "8000.0"),
        ("student-16", "16000.0"),
        ("student-32", "32000.0"),
        ("control", "32000.0"),
    ]
    assert [bool(line["seconds"]) for line in lines[1:]] == [False, False, True, True], "of the whole run"


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
    (line,) = re.findall(r'<th scope="row">IFcVAE-GAN, several attributes</th>(<td>.*?)</tr>', table, re.DOTALL)
    assert re.findall(r"<td>(.*?)</td>", line)[-1] == "62.5%", "1 - .1/.4 and 1 - .2/.4"
    assert '<th scope="row">IFcVAE-GAN</th>' not in table, "it has one attribute"
    assert "Several attributes in one model" not in page(tmp_path / "other", {"ours": [make_run("ours", 1)]})
