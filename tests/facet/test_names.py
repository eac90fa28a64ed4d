"""Attributes are the user's to name: any name that a table can hold trains, is judged and is reported."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from made_once import copy_of_celeba
from tiny import NETWORKS

from facet.configuration import compose_config
from facet.evaluate import evaluate
from facet.files import read_json
from facet.results import read_run
from facet.runs import Run
from facet.train import train

# what a module can't have, what a module has, and what is measured or logged under the same name
NAMES = ("a.b", "type", "half", "keys", "training", "mse", "accuracy", "auxiliary", "reconstruction", "class", "mean")
PLAIN = ("trainer.precision=32-true", "logger=csv", "callbacks.progress=null", "data.workers=1", "data.batch_size=16")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose attributes have such names, each what Smiling is."""
    root = tmp_path_factory.mktemp("names")
    copy_of_celeba(root, 300)
    lines = [line.split() for line in (root / "list_attr_celeba.txt").read_text().splitlines()[1:]]
    smiling = 1 + lines[0].index("Smiling")
    rows = [[f"img_align_celeba/{row[0]}", *[row[smiling]] * len(NAMES)] for row in lines[1:]]
    with (root / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", *NAMES], *rows])
    return root


MEASURES = ("drift", "identity", "distance", "continuity")


@pytest.mark.parametrize(
    ("experiment", "measured"),
    [("model=ifcvae_gan", (*MEASURES, "leakage")), ("model=cvae_gan networks.kind=residual", MEASURES)],
)
def test_every_name_is_trained_judged_and_reported(experiment: str, measured: tuple[str, ...], root: Path) -> None:
    data = ["data=folder", f"data.root={root}", f"data.store={root / 'store'}", "data.resolution=16", *NETWORKS, *PLAIN]
    more = [f"attributes=[{','.join(NAMES)}]", "trainer.max_epochs=1", f"runs={root / 'runs'}"]
    run = Run(train(compose_config("train", [*experiment.split(), *data, *more])))
    curves = run.metrics()
    assert {f"val/edit_on/{name}" for name in NAMES} <= set(curves)
    assert 0 < curves["val/mse"][-1][1] < 1
    evaluate(compose_config("evaluate", [f"run={run.path}", "faces=2", f"measures=[{','.join(measured)}]"]))
    measures = read_json(run.path / "results.json")["measures"]
    for measure in ("edits", "reconstruction", *measured):
        assert set(measures[measure]) == set(NAMES), measure
    lines = read_run("ours", 0, run.path).lines
    for measure in ("edit_on_full", "drift", "factors", *(["leakage_bits_mean"] if "leakage" in measured else [])):
        assert [line.attribute for line in lines if line.measure == measure] == list(NAMES), measure
