"""An attribute that one picture in fifty has: what a user is told, what training batches hold, and every n."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from made_once import avatars, copy_of_celeba
from omegaconf import OmegaConf
from thinned import thin
from tiny import NETWORKS, tiny
from torch import Tensor

from datamodules.avatars import AvatarsDataModule
from datamodules.celeba import CelebADataModule
from datamodules.folder import FolderDataModule
from facet import train as training
from facet.configuration import compose_config
from facet.evaluate import evaluate
from facet.files import read_json
from facet.identity import same_run
from facet.imbalance import rare_classes
from facet.runs import Run
from facet.train import train

NAN = float("nan")
PLAIN = ("trainer.precision=32-true", "logger=csv", "callbacks.progress=null", "data.workers=1")
Call = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of avatars of whom 2% wear glasses."""
    root = tmp_path_factory.mktemp("rare") / "faces"
    sizes = {"train_size": 700, "val_size": 150, "test_size": 400}
    data = AvatarsDataModule(resolution=16, root=str(avatars()), workers=1, **sizes)  # type: ignore[arg-type]
    thin(root, data, "Eyeglasses", 0.02, ("train", "val", "test"))
    return root


def counted(root: Path, name: str = "Eyeglasses") -> Counter[tuple[str, str]]:
    """How many pictures of each split and label the table lists."""
    with (root / "labels.csv").open(newline="") as file:
        return Counter((row["split"], row[name]) for row in csv.DictReader(file))


def settings(root: Path, place: Path, *more: str) -> list[str]:
    data = ["data=folder", f"data.root={root}", f"data.store={place / 'store'}", "data.resolution=16", "data.crop=none"]
    length = ["data.batch_size=16", "trainer.max_epochs=1", f"runs={place / 'runs'}"]
    return [*data, *NETWORKS, *PLAIN, *length, "attributes=[Eyeglasses]", *more]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run ``facet-train`` in this process: its exit code, and what it said."""

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["facet-train", *arguments])
        with pytest.raises(SystemExit) as stopped:
            training.main()
        return int(stopped.value.code or 0), capsys.readouterr().err

    return run


@pytest.mark.whole
def test_a_rare_attribute_is_told_trained_and_measured(faces: Path, tmp_path: Path, call: Call) -> None:
    n = counted(faces)
    have, lack = n["train", "1"], n["train", "0"]
    assert 0.015 < have / (have + lack) < 0.025
    code, said = call(*settings(faces, tmp_path, "data.balance=Eyeglasses", "name=balanced"))
    assert code == 0
    line = f"few images to learn from: Eyeglasses {have / (have + lack):.1%} ({have} of {have + lack} images have it): "
    assert said.count(f"{line}more such images may help") == 1, "it is balanced already"
    code, said = call(*settings(faces, tmp_path))
    assert said.count(f"{line}data.balance=Eyeglasses or more such images may help") == 1
    code, said = call(*settings(faces, tmp_path))
    assert "few images" not in said, "it is finished"

    (path,) = (tmp_path / "runs" / "balanced").iterdir()
    evaluate(compose_config("evaluate", [f"run={path}", "faces=2", f"data.store={tmp_path / 'store'}"]))
    measures = read_json(path / "results.json")["measures"]
    edits = measures["edits"]["Eyeglasses"]
    for cell in ("on_from_on", "off_from_on", "on_from_off", "off_from_off"):
        assert edits["full"][cell]["n"] == n["test", "1" if cell.endswith("on") else "0"], cell
    assert edits["balanced"]["turned"]["n"] == n["test", "0"] + n["test", "1"]
    for scores in (measures["judge"]["Eyeglasses"], measures["classifier"]["Eyeglasses"]):
        assert (scores["on"]["n"], scores["off"]["n"]) == (n["test", "1"], n["test", "0"])
    leak = measures["leakage"]["Eyeglasses"]["mean"]
    assert (leak["n"], leak["n_on"]) == (n["test", "0"] + n["test", "1"], n["test", "1"])
    assert 0 <= leak["linear_balanced_accuracy"] <= 1


@pytest.mark.whole
def test_one_of_several_attributes_is_balanced_and_confusion_is_at_its_rates(faces: Path, tmp_path: Path) -> None:
    both = ["data.balance=Eyeglasses", "attributes=[Eyeglasses,Smiling]", "data.images_per_epoch=320"]
    run = Run(train(compose_config("train", settings(faces, tmp_path, *both))))
    assert run.status == "finished"
    assert read_json(run.path / "status.json")["training"]["images_seen"] == 320
    curves = run.metrics()
    entropy = curves["val/auxiliary"][-1][1] / curves["val/auxiliary_confusion"][-1][1]
    assert 0.6 < entropy < 0.6932, "that of one in two for glasses; that of 2% would halve it"


@pytest.mark.whole
def test_mistakes_are_one_line(faces: Path, tmp_path: Path, call: Call) -> None:
    code, said = call(*settings(faces, tmp_path, "data.balance=Eyeglases"))
    assert (code, said.count("\n")) == (2, 1)
    assert "data.balance=Eyeglases: data=folder has no attribute 'Eyeglases'; nearest: Eyeglasses" in said
    lines = (faces / "labels.csv").read_text().splitlines()
    column = lines[0].split(",").index("Eyeglasses")
    nobody = [line for line in lines if not (line.endswith(",train") and line.split(",")[column] == "1")]
    (tmp_path / "nobody.csv").write_text("\n".join(nobody))
    code, said = call(*settings(faces, tmp_path, f"data.labels={tmp_path / 'nobody.csv'}", "data.balance=Eyeglasses"))
    assert code == 2
    assert said.strip().endswith("data.balance=Eyeglasses: no image of the training split is labelled as with it")
    assert "Traceback" not in said


@pytest.mark.whole
def test_every_data_set_can_be_balanced(faces: Path, tmp_path: Path) -> None:
    copy_of_celeba(tmp_path / "celeba", 300)
    common: dict[str, Any] = {"resolution": 16, "store": str(tmp_path / "store"), "workers": 1, "batch_size": 16}
    folder = FolderDataModule(str(faces), balance="Eyeglasses", attributes=["Eyeglasses"], crop="none", **common)
    celeba = CelebADataModule(root=str(tmp_path / "celeba"), balance="Eyeglasses", attributes=["Eyeglasses"], **common)
    for data in (folder, celeba):
        batches = list(data.loader("train"))
        assert len(batches) == len(data.store("train").images) // 16
        assert all(batch["attributes"].sum() == 8 for batch in batches)


# What is told of whom


def told(labels: Tensor, balance: str | None = None) -> str | None:
    names = ["A", "B", "C"][: labels.shape[1]]
    config = OmegaConf.create({"data": {"balance": balance}})
    source: Any = SimpleNamespace(labels_of=lambda split, names: labels)
    return rare_classes(config, source, names)


def shares(*counts: int, of: int = 10_000) -> Tensor:
    return torch.stack([(torch.arange(of) < count).float() for count in counts], 1)


def test_common_attributes_are_not_worth_a_line() -> None:
    assert told(shares(500, 9_500, 5_000)) is None
    assert told(torch.zeros(10, 0)) is None


def test_a_constant_attribute_has_a_line_of_its_own() -> None:
    assert told(shares(0, 10_000)) is None


def test_every_attribute_is_in_the_one_line_and_the_rarest_is_advised() -> None:
    assert told(shares(499, 9_980, 5_000)) == (
        "few images to learn from: A 5.0% (499 of 10,000 images have it), B 99.8% (20 of 10,000 images lack it): "
        "data.balance=B or more such images may help"
    )


def test_a_data_set_without_balance_is_not_advised_to_have_it() -> None:
    config = OmegaConf.create({"data": {}})
    source: Any = SimpleNamespace(labels_of=lambda split, names: shares(400))
    assert (rare_classes(config, source, ["A"]) or "").endswith("images have it): more such images may help")


def test_few_images_are_few_at_any_rate() -> None:
    labels = shares(100, of=250)
    line = "few images to learn from: A 40.0% (100 of 250 images have it): more such images may help"
    assert told(labels) == line
    labels[:60] = NAN  # unknown ones don't count
    assert told(labels) == "few images to learn from: A 21.1% (40 of 190 images have it): more such images may help"


def test_what_is_balanced_is_rare_no_longer_but_may_be_few() -> None:
    assert told(shares(400), balance="A") is None
    assert told(shares(150), balance="A") is not None
    assert told(shares(400, 300), balance="A") == (
        "few images to learn from: B 3.0% (300 of 10,000 images have it): more such images may help"
    )


def test_a_balance_makes_another_run_and_none_is_as_before(tmp_path: Path) -> None:
    assert same_run(tiny(tmp_path, "data.balance=null"), tiny(tmp_path))
    assert not same_run(tiny(tmp_path, "data.balance=Smiling"), tiny(tmp_path))
