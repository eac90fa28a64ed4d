"""JacSup §3 end to end on small drawn digits: train, judge, report, resume, and mistakes in one line."""

from __future__ import annotations

import csv
import gzip
import re
import shutil
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from facet import train as training
from facet.configuration import compose_config
from facet.evaluate import evaluate
from facet.files import read_json
from facet.measures.registry import MEASURES
from facet.report.command import report
from facet.results import read_run
from facet.runs import Run
from facet.train import train

WORDS = {
    "chain": "model=jacsup_digits",
    "control": "model=jacsup_digits ablation=no_jacobian",
    "scratch": "model=jacsup_digits ablation=from_scratch",
    "best": "experiment=jacsup/best",
}
LINES = tuple(WORDS)
TINY = (
    *("data.val_size=40", "data.batch_size=20", "data.steps_per_batch=3", "data.workers=1", "logger=csv"),
    *(
        "callbacks.progress=null",
        "callbacks.growth.max_units=4",
        "callbacks.growth.epochs=2",
        "trainer.precision=32-true",
    ),
    "model.network.widths=[32,16]",
)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten kinds of bars, in MNIST's four files."""
    root = tmp_path_factory.mktemp("digits")
    for name, size, seed in (("train", 340, 0), ("t10k", 120, 1)):
        rng = np.random.default_rng(seed)
        labels = np.arange(size, dtype=np.uint8) % 10
        images = np.zeros((size, 28, 28), np.uint8)
        for i, label in enumerate(labels):
            images[i, 2 + 2 * label : 6 + 2 * label, 4 + rng.integers(4) : 20 + rng.integers(4)] = rng.integers(
                150, 256
            )
        for kind, values in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)):
            head = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
            (root / f"{name}-{kind}.gz").write_bytes(gzip.compress(head + values.tobytes()))
    return root


def settings(digits: Path, root: Path, *more: str) -> list[str]:
    return [*TINY, f"data.root={digits}", f"data.store={root / 'store'}", *more]


@pytest.fixture(scope="module")
def trained(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All lines, trained and judged."""
    root = tmp_path_factory.mktemp("grown")
    for line in LINES:
        where = [*WORDS[line].split(), f"name={line}", f"runs={root / 'runs'}", *settings(digits, root)]
        evaluate(compose_config("evaluate", [f"run={train(compose_config('train', where))}"]))
    return root


def test_every_stage_of_every_line_is_judged(trained: Path) -> None:
    for line in LINES:
        (path,) = (trained / "runs" / line).iterdir()
        assert Run(path).status == "finished"
        results = read_json(path / "results.json")
        stages = results["measures"]["stages"]
        assert [stage["code_size"] for stage in stages] == [2, 3, 4]
        assert all(0 < stage["mse"]["value"] < 0.5 for stage in stages)
        for stage in stages:
            assert stage["swaps"]["n"] == stage["ceiling"]["n"]
            for rate in (stage["swaps"], stage["ceiling"]):
                assert rate["low"] <= rate["value"] <= rate["high"] if rate["n"] else rate["value"] is None
        assert "original" not in stages[0]
        assert stages[1]["previous"]["data"]["n"] == 120
        assert stages[2]["original"]["canonical"]["n"] == 240
        assert list(results["judge"]["accuracy"]) == ["class"]
        assert results["training"]["images_seen"] == 3 * 2 * 300, (
            "three stages of two epochs of fifteen batches of twenty"
        )


def test_the_measures_of_a_line_are_read_from_what_was_judged(trained: Path) -> None:
    (path,) = (trained / "runs" / "chain").iterdir()
    lines = read_run("chain", 0, path).lines
    read = {line.measure for line in lines}
    assert read >= {"mse", "code_size", "judge_accuracy_of_class", "steps", "images_seen", "seconds", "parameters"}
    assert read >= {name for name in MEASURES if name.startswith("jacobian")}
    stages = read_json(path / "results.json")["measures"]["stages"]
    for name, key in (("swaps_ok", "swaps"), ("swaps_ceiling", "ceiling"), ("jacobian_previous_data", "previous")):
        known = [i for i, stage in enumerate(stages) if key in stage and stage[key].get("n") != 0]
        assert [line.stage for line in lines if line.measure == name and line.stage is not None] == known


def test_supervision_keeps_the_jacobian(trained: Path) -> None:
    """The first student of the chain starts from the same teacher as the control's."""
    errors = {}
    for line in ("chain", "control"):
        (path,) = (trained / "runs" / line).iterdir()
        errors[line] = read_json(path / "results.json")["measures"]["stages"][1]["previous"]["data"]["value"]
    assert errors["chain"] < errors["control"]


@pytest.mark.parametrize("name", ["jacsup-figure1", "jacsup-figure2", "jacsup-tradeoff"])
def test_the_pages(name: str, trained: Path, digits: Path) -> None:
    listed = ",".join(f'"{setting}"' for setting in settings(digits, trained))
    where = [f"pages=[{name}]", f"runs={trained / 'runs'}", f"reports={trained / 'reports'}", f"overrides=[{listed}]"]
    (page,) = report(compose_config("report", [*where, "logger=csv"]))
    text = page.read_text("utf-8")
    assert not re.search(r'(src|href)="(?!data:|#)', text), "the page is whole in itself"
    assert "Not every run has numbers" not in text
    with (page.parent / "table.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["stage"]]
    for row in rows:
        if row["measure"] == "swaps_ceiling":
            (path,) = (trained / "runs" / row["row"]).iterdir()
            stage = read_json(path / "results.json")["measures"]["stages"][int(row["stage"])]
            assert float(row["value"]) == pytest.approx(stage["ceiling"]["value"], abs=1e-6)
    assert "ceiling" in text
    if name == "jacsup-tradeoff":
        assert "cb7b971" in text
        assert "dropout" in text
        cells = re.findall(r'<td class="published">(.*?)</td>', text)
        assert cells[:2] == ["0.0403", "0.938"], "what is published of two units"
    for figure in page.parent.glob("*.png"):
        with Image.open(figure) as drawn:
            ink = np.asarray(drawn.convert("L")) < 200
        assert all(half.mean() > 0.001 for half in np.array_split(ink, 2)), f"{figure.name} is blank"
    lines = {"jacsup-figure1": LINES[:3], "jacsup-figure2": LINES[:1], "jacsup-tradeoff": LINES}[name]
    sizes = [(row["row"], float(row["value"])) for row in rows if row["measure"] == "code_size"]
    assert sizes == [(line, n) for line in lines for n in (2, 3, 4)]
    if name == "jacsup-figure2":
        with Image.open(page.parent / "traversal.webp") as moving:
            assert moving.is_animated
            assert moving.n_frames == 20


def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["facet-train", *arguments])
    with pytest.raises(SystemExit) as stopped:
        training.main()
    return int(stopped.value.code or 0), capsys.readouterr().err.strip()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("callbacks.growth.epochs=0", "callbacks.growth.epochs=0: it must be at least 1"),
        ("model.network.max_units=3", "max_units=4 is more than the 3 units"),
        ("model.initial=nowhere.ckpt", "nowhere.ckpt is not a stage of a run"),
        ("model.weights.code=-1", "model.weights.code (command line): code=-1"),
        ("data.val_size=400", "data.val_size=400 leaves nothing"),
    ],
)
def test_a_mistake_is_one_line(
    setting: str,
    said: str,
    digits: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    where = settings(digits, tmp_path, "model=jacsup_digits", f"runs={tmp_path / 'runs'}", setting)
    code, error = call(monkeypatch, capsys, *where)
    assert (code, len(error.splitlines())) == (2, 1), error
    assert said in error
    assert not (tmp_path / "runs").exists()


def test_a_teacher_of_another_shape_is_one_line(
    trained: Path, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = next((trained / "runs" / "chain").glob("*/stages/code02.ckpt"))
    where = settings(digits, tmp_path, "model=jacsup_digits", f"runs={tmp_path / 'runs'}", f"model.initial={stage}")
    code, error = call(monkeypatch, capsys, *where, "model.network.widths=[32,8]")
    assert (code, len(error.splitlines())) == (2, 1), error
    assert "holds a network of another shape" in error


def test_a_run_from_a_stage_is_judged_with_it_also_where_its_file_has_gone(
    trained: Path, digits: Path, tmp_path: Path
) -> None:
    stage = next((trained / "runs" / "chain").glob("*/stages/code03.ckpt"))
    moved = Path(shutil.copy(stage, tmp_path / "teacher.ckpt"))
    where = settings(digits, trained, "model=jacsup_digits", f"runs={tmp_path / 'runs'}", f"model.initial={moved}")
    run = Run(train(compose_config("train", where)))
    moved.unlink()
    evaluate(compose_config("evaluate", [f"run={run.path}"]))
    results = read_json(run.path / "results.json")
    before, after = results["measures"]["stages"]
    assert (before["code_size"], after["code_size"]) == (3, 4)
    of_the_chain = read_json(stage.parents[1] / "results.json")["measures"]["stages"][1]
    assert before["mse"] == of_the_chain["mse"]
    assert before["swaps"] == of_the_chain["swaps"]
    assert results["training"]["images_seen"] == 2 * 300, "one stage of two epochs"


@pytest.mark.parametrize("preset", ["paper", "authors", "embedded"])
def test_every_preset_trains(preset: str, digits: Path, tmp_path: Path) -> None:
    where = settings(digits, tmp_path, "model=jacsup_digits", f"preset={preset}", f"runs={tmp_path / 'runs'}")
    run = Run(train(compose_config("train", [*where, "callbacks.growth.epochs=1", "callbacks.growth.max_units=3"])))
    assert run.status == "finished"
    assert [path.name for path in run.stages()] == ["code02.ckpt", "code03.ckpt"]
    network = torch.load(run.stages()[-1], weights_only=True)["network"]
    assert all(value.isfinite().all() for value in network.values() if isinstance(value, torch.Tensor))
