"""The same experiment on avatars, CelebA and a folder; ``facet-data`` and ``facet-bench`` as a user meets them."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny import NETWORKS

from datamodules.celeba_drawn import draw_celeba
from facet import bench, dataset
from facet import train as training
from facet.configuration import compose_config
from facet.evaluate import evaluate
from facet.runs import Run, read_json
from facet.train import train

PLAIN = ("trainer.precision=32-true", "logger=csv", "callbacks.progress=null", "data.workers=1")
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of CelebA that is also a folder with a csv, in which some labels are unknown."""
    root = tmp_path_factory.mktemp("faces") / "celeba"
    draw_celeba(root, 300)
    lines = [line.split() for line in (root / "list_attr_celeba.txt").read_text().splitlines()[1:]]
    smiling, hat = (lines[0].index(name) for name in ("Smiling", "Wearing_Hat"))
    rows = [
        [f"img_align_celeba/{row[0]}", row[1 + smiling], "" if i % 3 else row[1 + hat]]
        for i, row in enumerate(lines[1:])
    ]
    with (root / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "Smiling", "Wearing_Hat"], *rows])
    return root


def sized(data: str, faces: Path, root: Path) -> list[str]:
    size = ["data.train_size=96", "data.val_size=40", "data.test_size=60", f"data.root={root}"]
    real = [f"data.root={faces}", f"data.store={root / 'store'}"]
    common = [f"data={data}", "data.resolution=16", "data.batch_size=16", *NETWORKS, *PLAIN]
    return [*common, *(size if data == "avatars" else real)]


@pytest.mark.parametrize("data", ["avatars", "celeba", "folder"])
def test_the_same_experiment_runs_on_every_data_set(data: str, faces: Path, tmp_path: Path) -> None:
    more = ["trainer.max_epochs=1", f"runs={tmp_path / 'runs'}", "attributes=[Smiling,Wearing_Hat]"]
    overrides = ["experiment=aif/table1/ours", *sized(data, faces, tmp_path), *more]
    run = Run(train(compose_config("train", overrides)))
    assert run.status == "finished"
    evaluate(compose_config("evaluate", [f"run={run.path}", "faces=2"]))
    results = read_json(run.path / "results.json")
    assert results["data"] == data
    assert set(results["measures"]["edits"]) == {"Smiling", "Wearing_Hat"}
    known = results["measures"]["classifier"]["Wearing_Hat"]["accuracy"]["n"]
    everything = results["measures"]["classifier"]["Smiling"]["accuracy"]["n"]
    assert (known < everything) == (data == "folder"), "unknown labels are not judged"


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command in this process: its exit code, what it printed, what it said."""

    def run(main: Callable[[], None], *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["facet", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return int(stopped.value.code or 0), said.out, said.err

    return run


def test_stores_are_shown_built_and_verified(call: Call, faces: Path, tmp_path: Path) -> None:
    settings = ["data=celeba", f"data.root={faces}", f"data.store={tmp_path}", "data.resolution=16", "data.workers=1"]
    code, out, _ = call(dataset.main, "info", *settings)
    assert code == 0
    assert out.count("not built") == 3
    assert list(tmp_path.iterdir()) == []
    code, out, _ = call(dataset.main, "build", *settings)
    assert (code, out.count("not built")) == (0, 0)
    code, _, said = call(dataset.main, "verify", *settings)
    assert (code, said.count("as they were written")) == (0, 3)
    images = next(tmp_path.glob("val-*/images.npy"))
    content = bytearray(images.read_bytes())
    content[-1] ^= 1
    images.write_bytes(bytes(content))
    code, _, said = call(dataset.main, "verify", *settings)
    assert code == 1
    assert "1 records changed since they were written, first 29" in " ".join(said.split())
    code, _, said = call(dataset.main, "build", *settings)
    assert code == 0
    assert "corrupt store, built again" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say info, build or verify"),
        (["show"], "say info, build or verify"),
        (["info", "data=celeba", "data.root=/nowhere"], "data.root=/nowhere is not a directory"),
        (["info", "data=folder"], "data.root=None is not a directory"),
        (["build", "data.seed=-1"], "data.seed=-1"),
        (["info", "data=celba"], "no such choice; nearest: celeba"),
        (["info", "data.crop=round", "data=celeba"], "'round' should be 'aif', 'jacsup' or 'none'"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], said: str, call: Call) -> None:
    code, _, message = call(dataset.main, *arguments)
    assert code == 2
    assert said in message
    assert len(message.strip().splitlines()) == 1


@pytest.mark.parametrize("more", [["attributes=[Smilling]"], ["attributes=[Hat]"]])
def test_an_attribute_that_the_user_does_not_have(more: list[str], call: Call, faces: Path, tmp_path: Path) -> None:
    overrides = ["experiment=aif/table1/ours", *sized("folder", faces, tmp_path), f"runs={tmp_path / 'runs'}", *more]
    code, _, message = call(training.main, *overrides)
    assert code == 2
    assert "data=folder has no attribute" in message
    assert "nearest: " in message
    assert not (tmp_path / "runs").exists()


def test_the_benchmark_measures_every_way(call: Call, faces: Path, tmp_path: Path) -> None:
    settings = [f"data.root={faces.parent}", f"data.store={tmp_path}", "data.resolution=16", "data.batch_size=16"]
    code, out, _ = call(bench.main, "data", *settings, "seconds=0.2", "rounds=1", "plain.workers=0")
    assert code == 0
    for way in ("device", "mmap", "workers", "torchvision"):
        assert way in out
