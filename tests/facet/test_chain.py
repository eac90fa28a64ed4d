"""The whole chain on real input for a minute: drawn faces, trained, judged, reported; and again, the same."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import tiny

from facet import checkpoints
from facet.configuration import compose_config
from facet.evaluate import evaluate, judged
from facet.files import read_json, write_json
from facet.measures.registry import MEASURES
from facet.report.command import report
from facet.results import Line, read_run
from facet.runs import Run
from facet.train import train

pytestmark = pytest.mark.whole
SMALL = (
    *("data.train_size=1280", "data.val_size=200", "data.test_size=640", "data.images_per_epoch=null"),
    *("trainer.max_epochs=5", "networks.width=16", "data.workers=1"),
)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """A run of the embedded preset, shorter and narrower, with W&B offline as by default."""
    root = tmp_path_factory.mktemp("chain")
    more = [*SMALL, f"data.root={root / 'data'}", f"runs={root / 'runs'}", "callbacks.progress=null"]
    run = Run(train(compose_config("train", [*more])))
    evaluate(compose_config("evaluate", [f"run={run.path}"]))
    return root, run


def test_it_learned(chain: tuple[Path, Run]) -> None:
    results = read_json(chain[1].path / "results.json")
    measures = results["measures"]
    assert results["judge"]["accuracy"]["Smiling"] > 0.9
    assert measures["mse"]["value"] < 0.04  # the mean image: about 0.09
    assert measures["classifier"]["Smiling"]["accuracy"]["value"] > 0.8
    assert measures["mse"]["n"] == 640
    assert results["row"] == "ifcvae_gan"
    assert list((chain[1].path / "wandb").glob("offline-run-*"))
    with np.load(chain[1].path / "examples.npz") as examples:
        assert examples["original"].shape == (16, 3, 32, 32)


def test_every_number_has_its_n(chain: tuple[Path, Run]) -> None:
    def rates(node: Any) -> list[dict[str, Any]]:
        if not isinstance(node, dict):
            return []
        return [node] * ("low" in node) + [rate for child in node.values() for rate in rates(child)]

    found = rates(read_json(chain[1].path / "results.json")["measures"])
    assert len(found) > 30
    assert all(rate["low"] <= rate["value"] <= rate["high"] and rate["n"] >= 300 for rate in found)


def test_the_page_of_it(chain: tuple[Path, Run]) -> None:
    root, run = chain
    quoted = ",".join(f'"{item}"' for item in (*SMALL, f"data.root={root / 'data'}", "callbacks.progress=null"))
    (page,) = report(
        compose_config(
            "report",
            ["pages=[table1]", f"runs={root / 'runs'}", f"reports={root}", f"overrides=[{quoted}]", "logger=csv"],
        )
    )
    assert page.stat().st_size > 100_000  # with its pictures inside
    with (page.parent / "table.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert tuple(rows[0]) == Line._fields
    assert {row["row"] for row in rows} == {"ours"}, "the others never ran"
    html = page.read_text("utf-8")
    assert html.count(", seed 0: never run") == 3
    numbers = {row["measure"]: row for row in rows if not row["other"]}
    results = read_json(run.path / "results.json")
    assert float(numbers["mse"]["value"]) == pytest.approx(results["measures"]["mse"]["value"], rel=1e-3)
    assert int(numbers["edit_off"]["n"]) == results["measures"]["edits"]["Smiling"]["paper"]["off"]["n"]
    assert {"table.md", "table.tex"} <= {file.name for file in page.parent.iterdir()}


def test_every_measure_of_an_editor_is_read_from_what_was_judged(chain: tuple[Path, Run]) -> None:
    of_digits = {name for name in MEASURES if name.startswith(("swaps", "jacobian", "code_size")) or "class" in name}
    read = {line.measure for line in read_run("ours", 0, chain[1].path).lines}
    asked_for = {name for name, measure in MEASURES.items() if measure.path.startswith("measures.opinions")}
    assert read == set(MEASURES) - of_digits - asked_for


def test_a_judged_run_is_skipped(chain: tuple[Path, Run], capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(chain[1], compose_config("evaluate", []))
    assert not judged(chain[1], compose_config("evaluate", ["split=val"]))
    evaluate(compose_config("evaluate", [f"run={chain[1].path}"]))
    assert "judged already" in capsys.readouterr().err


def test_what_was_judged_is_known_by_content_and_not_by_times(chain: tuple[Path, Run], tmp_path: Path) -> None:
    run, asked = Run(tmp_path / "copy"), compose_config("evaluate", [])
    shutil.copytree(chain[1].path, run.path)
    results = run.path / "results.json"
    os.utime(results, (0, 0))  # a copy whose times were not kept, a clock that was set back
    assert judged(run, asked)
    held = read_json(results)
    write_json(results, {key: value for key, value in held.items() if key != "checkpoint"})  # of an earlier version
    os.utime(results, (0, 0))
    assert judged(run, asked)
    write_json(results, {key: value for key, value in held.items() if key != "checkpoint"} | {"training": {}})
    assert not judged(run, asked), "of a run that went on since"
    write_json(results, held)
    saved = run.saved()
    next(iter(saved["state_dict"].values())).add_(1)
    with run.checkpoint.open("wb") as file:
        checkpoints.write(file, saved)
    os.utime(run.checkpoint, (0, 0))
    assert not judged(run, asked), "other weights, whatever their file's time"


def test_the_same_command_gives_the_same_results(tmp_path: Path) -> None:
    """Byte for byte, but for the time it took."""
    found = []
    for name in ("first", "second"):
        run = Run(train(tiny(tmp_path, f"run_dir={tmp_path / name}", "trainer.max_epochs=1")))
        evaluate(compose_config("evaluate", [f"run={run.path}"]))
        results = read_json(run.path / "results.json")
        del results["training"]["seconds"]
        found.append(json.dumps(results))
    assert found[0] == found[1]
