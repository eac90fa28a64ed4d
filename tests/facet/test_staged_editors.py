"""JacSup §4 end to end on small avatars: teacher and students, judged stage by stage, and both pages."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from made_once import avatars, copy_of_celeba
from tiny import NAMES, SIZES
from tiny import STAGED as TINY

from facet import pages
from facet.configuration import compose_config
from facet.errors import UserError
from facet.evaluate import evaluate
from facet.files import read_json
from facet.report import page
from facet.report.command import report
from facet.runs import Run
from facet.train import main, train

ROWS = {
    "student": "model=jacsup_faces",
    "no_jacobian": "model=jacsup_faces model.student_weights.code=0 model.student_weights.difference=0",
    "control": "model=jacsup_faces ablation=as_the_teacher",
}
FADER = [override for override in TINY if not override.startswith(("model.", "callbacks.growth"))]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the rows are, trained and judged; one row by every measure."""
    root = tmp_path_factory.mktemp("staged")
    for row in ROWS:
        where = [*ROWS[row].split(), f"name={row}", f"runs={root / 'runs'}", *TINY, f"data.root={avatars()}"]
        asked = [] if row == "student" else ["measures=[drift]"]
        evaluate(compose_config("evaluate", [f"run={train(compose_config('train', where))}", "faces=4", *asked]))
    return root


def run_of(root: Path, row: str) -> Run:
    (path,) = (root / "runs" / row).iterdir()
    return Run(path)


def test_every_stage_is_judged_as_an_editor(root: Path) -> None:
    run = run_of(root, "student")
    results = read_json(run.path / "results.json")
    measures = results["measures"]
    assert results["attribute_names"] == NAMES
    stages = measures["stages"]
    assert [stage["nuisance"] for stage in stages] == [8, 16, 32]
    assert stages[0]["parameters"] < stages[1]["parameters"] < stages[2]["parameters"]
    assert results["training"]["parameters"] == {"network": stages[2]["parameters"]}, "the teacher is no part of it"
    assert measures["nuisance"] == 32
    assert stages[2]["mse"] == measures["mse"], "the last stage is the run's last checkpoint"
    for stage in stages:
        assert set(stage["edits"]) == set(stage["drift"]) == set(NAMES)
    assert set(measures["leakage"]) == set(NAMES)
    with np.load(run.path / "examples.npz") as arrays:
        assert arrays["varied"].shape == (3, 3, 9, 3, 32, 32)
        assert arrays["8-turned"].shape == arrays["turned"].shape
        assert not np.array_equal(arrays["8-turned"], arrays["turned"])


def test_the_control_goes_on_as_the_teacher_was_trained(root: Path) -> None:
    columns = set()
    for row in ROWS:
        with (run_of(root, row).path / "metrics.csv").open(newline="") as file:
            lines = list(csv.DictReader(file))
        last = [line for line in lines if line["epoch"] == "3"]
        columns.add((row, any(line.get("train/difference") for line in last)))
        assert any(line.get("train/cycle_attributes") for line in last) == (row == "control")
    assert columns == {("student", True), ("no_jacobian", False), ("control", False)}


def test_the_pages_hold_what_was_measured(root: Path) -> None:
    overrides = [*TINY, f"data.root={avatars()}"]
    where = ["logger.mode=disabled", f"runs={root / 'runs'}", f"reports={root / 'reports'}"]
    quoted = ",".join(f"'{override}'" for override in overrides)
    sizes = [*FADER, f"data.root={avatars()}", f"runs={root / 'runs'}", "trainer.max_epochs=1"]
    fader = train(compose_config("train", ["experiment=jacsup/fader", *sizes]))
    evaluate(compose_config("evaluate", [f"run={fader}", "faces=4", "measures=[drift]"]))
    found = {"student": [(0, run_of(root, "student").path)], "fader": [(0, fader)]}
    text = page.write(pages.load("jacsup-figure5"), found, root / "reports" / "jacsup-figure5", []).read_text()
    assert "Fader Networks: MSE" in text
    *_, student, beside = re.sub(r">\s+<", "><", text).split("<tr>")
    assert re.search(r"<td>\d+\.\d\d</td></tr>", student)
    assert "<td>–</td></tr>" in beside, "has no teacher"
    made = page.write(pages.load("jacsup-table1"), found, root / "reports" / "table1", [])
    text = re.sub(r">\s+<", "><", made.read_text())
    assert "<td>32×32</td>" in text
    assert re.search(r"JacSup, last student</th><td>yes</td><td>no</td>", text), "end to end, and not adversarial"
    assert re.search(r"Fader Networks</th><td>yes</td><td>yes</td>", text)
    assert all(set(of_measure(made.parent, "attributes", row=row)) == {3.0} for row in found)
    assert all(0 <= value <= 1 for value in of_measure(made.parent, "graded", row="student"))
    assert of_measure(made.parent, "graded", row="fader") == [], "was not asked for"
    for name in ("jacsup-figure3", "jacsup-figure4"):
        (made,) = report(compose_config("report", [f"pages=[{name}]", f"overrides=[{quoted}]", *where]))
        text = made.read_text()
        assert "Not every run has numbers" not in text
        if name == "jacsup-figure3":
            assert re.search("of the teacher[’']s; edits that succeed", text)
        else:
            assert "of 3 attributes are controlled" in text
    figures = {file.name for file in (root / "reports" / "jacsup-figure4").iterdir()}
    assert {"student-faces.png", "student-drift.png", "student-values.png", "student-sliders.webp"} <= figures
    growth = root / "reports" / "jacsup-figure3"
    for row in ROWS:
        assert of_measure(growth, "nuisance", row=row) == [8.0, 16.0, 32.0]
    for measure in ("off_from_on", "on_from_off"):
        values = of_measure(growth, measure)
        assert len(values) == len(ROWS) * 3 * len(NAMES)
        assert all(0 <= value <= 1 for value in values)


def of_measure(directory: Path, measure: str, row: str = "") -> list[float]:
    """What ``table.csv`` holds of a measure: stage by stage, or of the run as it ended where a method has none."""
    with (directory / "table.csv").open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["measure"] == measure and row in ("", line["row"])]
    staged = [line for line in lines if line["stage"]]
    return [float(line["value"]) for line in staged or lines]


@pytest.fixture(scope="module")
def celeba(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn copy of CelebA that is also a folder with a csv: a third of the hats unknown, everyone ``Human``."""
    root = tmp_path_factory.mktemp("faces") / "celeba"
    copy_of_celeba(root, 120)
    lines = [line.split() for line in (root / "list_attr_celeba.txt").read_text().splitlines()[1:]]
    smiling, hat = (lines[0].index(name) for name in ("Smiling", "Wearing_Hat"))
    rows = [
        [f"img_align_celeba/{row[0]}", row[1 + smiling], row[1 + hat] if i % 3 else "", "1"]
        for i, row in enumerate(lines[1:])
    ]
    with (root / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "Smiling", "Wearing_Hat", "Human"], *rows])
    return root


def real(celeba: Path, root: Path, *more: str) -> Run:
    sizes = [override for override in TINY if override not in SIZES and not override.startswith("attributes")]
    where = [f"data.root={celeba}", f"data.store={root / 'store'}", f"runs={root / 'runs'}", "data.batch_size=16"]
    return Run(train(compose_config("train", [*sizes, *where, *more])))


def test_all_forty_attributes_of_celeba(celeba: Path, tmp_path: Path) -> None:
    stages = ["callbacks.growth.sizes=[2,2,4]", "callbacks.growth.epochs=[1,1,1]"]
    run = real(
        celeba, tmp_path, "model=jacsup_faces", "attribute_set=forty", "data=celeba", "data.crop=jacsup", *stages
    )
    assert run.status == "finished"
    evaluate(compose_config("evaluate", [f"run={run.path}", "faces=2", "measures=[drift]"]))
    assert len(read_json(run.path / "results.json")["measures"]["stages"][1]["edits"]) == 40


def test_a_folder_with_unknown_labels_and_one_that_all_share(
    celeba: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = "attributes=[Smiling,Wearing_Hat,Human]"
    run = real(celeba, tmp_path, "model=jacsup_faces", "data=folder", names)
    assert run.status == "finished"
    said = " ".join(capsys.readouterr().err.split())
    assert "every known label is the same, or none is known: Human can't be learned" in said
    evaluate(compose_config("evaluate", [f"run={run.path}", "faces=2", "measures=[drift]"]))
    edits = read_json(run.path / "results.json")["measures"]["edits"]
    assert edits["Wearing_Hat"]["full"]["on"]["n"] < edits["Smiling"]["full"]["on"]["n"]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.resolution=48", "resolution=48 can't be halved down to 2×2: choose a power of two"),
        ("attributes=[Smiling,Sideburns]", "no attribute 'Sideburns'"),
        ("callbacks.growth.sizes=[4,2]", "a code only grows"),
    ],
)
def test_mistakes_are_one_line(override: str, said: str, tmp_path: Path) -> None:
    where = ["model=jacsup_faces", *TINY, f"data.root={tmp_path}", f"runs={tmp_path / 'runs'}", override]
    with pytest.raises(UserError, match=re.escape(said)) as raised:
        train(compose_config("train", where))
    assert "\n" not in str(raised.value)


def test_a_grid_search_tries_every_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    weights = {"prediction": "choice(0.1,10)", "covariance": "choice(0.1)"}
    weights |= {"cycle_attributes": "choice(1)", "cycle_nuisance": "choice(0.01)"}
    grid = [f"model.teacher_weights.{name}={value}" for name, value in weights.items()]
    where = [*TINY, f"data.root={avatars()}", f"runs={tmp_path / 'runs'}", "callbacks.growth.epochs=[1,1]"]
    where = [override for override in where if override != "callbacks.growth.sizes=[2,2,4,8]"]
    arguments = ["hparams_search=jacsup", "model=jacsup_faces", *where, *grid]
    monkeypatch.setattr(sys, "argv", ["facet-train", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code in (0, None)
    runs = [Run(path) for path in (tmp_path / "runs" / "jacsup_faces").iterdir()]
    assert len(runs) == 2
    assert all({"val/edits", "val/mse"} <= run.metrics().keys() for run in runs)
    assert (tmp_path / "runs" / "optimization_results.yaml").is_file()
