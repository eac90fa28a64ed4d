"""The same experiment on avatars, CelebA and a folder; ``facet-data`` and ``facet-bench`` as a user meets them."""

from __future__ import annotations

import csv
import errno
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from celeba_forms import FORMS
from made_once import avatars, copy_of_celeba
from tiny import NETWORKS

from facet import bench, dataset
from facet import evaluate as evaluating
from facet import train as training
from facet.configuration import compose_config
from facet.evaluate import evaluate
from facet.files import read_json
from facet.runs import Run
from facet.train import train

PLAIN = ("trainer.precision=32-true", "logger=csv", "callbacks.progress=null", "data.workers=1")
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of CelebA that is also a folder with a csv, in which some labels are unknown."""
    root = tmp_path_factory.mktemp("faces") / "celeba"
    copy_of_celeba(root, 300)
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
    size = ["data.train_size=96", "data.val_size=40", "data.test_size=60", f"data.root={avatars()}"]
    real = [f"data.root={faces}", f"data.store={root / 'store'}"]
    common = [f"data={data}", "data.resolution=16", "data.batch_size=16", *NETWORKS, *PLAIN]
    return [*common, *(size if data == "avatars" else real)]


@pytest.mark.parametrize("data", ["avatars", "celeba", "folder"])
def test_the_same_experiment_runs_on_every_data_set(data: str, faces: Path, tmp_path: Path) -> None:
    more = ["trainer.max_epochs=1", f"runs={tmp_path / 'runs'}", "attributes=[Smiling,Wearing_Hat]"]
    overrides = [*sized(data, faces, tmp_path), *more]
    run = Run(train(compose_config("train", overrides)))
    assert run.status == "finished"
    evaluate(compose_config("evaluate", [f"run={run.path}", "faces=2"]))
    results = read_json(run.path / "results.json")
    assert results["data"] == data
    assert set(results["measures"]["edits"]) == {"Smiling", "Wearing_Hat"}
    known = results["measures"]["classifier"]["Wearing_Hat"]["accuracy"]["n"]
    everything = results["measures"]["classifier"]["Smiling"]["accuracy"]["n"]
    assert (known < everything) == (data == "folder"), "unknown labels are not judged"


@pytest.mark.parametrize("form", FORMS[1:])
def test_it_trains_on_celeba_in_every_form(form: Callable[[Path], Path], tmp_path: Path) -> None:
    copy_of_celeba(tmp_path / "copy", 120)
    root = form(tmp_path / "copy")
    more = ["trainer.max_epochs=1", f"runs={tmp_path / 'runs'}"]
    run = Run(train(compose_config("train", [*sized("celeba", root, tmp_path), *more])))
    assert run.status == "finished"
    assert read_json(run.path / "status.json")["training"]["images_seen"] == 96


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
    assert (code, said.count("undamaged records")) == (0, 3)
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
        ([], "choose info, build or verify"),
        (["show"], "choose info, build or verify"),
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
    overrides = [*sized("folder", faces, tmp_path), f"runs={tmp_path / 'runs'}", *more]
    code, _, message = call(training.main, *overrides)
    assert code == 2
    assert "data=folder has no attribute" in message
    assert "nearest: " in message
    assert not (tmp_path / "runs").exists()


def test_the_benchmark_measures_every_way(call: Call, faces: Path, tmp_path: Path) -> None:
    settings = [f"data.root={faces.parent}", f"data.store={tmp_path}", "data.resolution=16", "data.batch_size=16"]
    code, out, err = call(bench.main, "data", *settings, "seconds=0.2", "rounds=1", "plain.workers=0")
    assert code == 0, err
    for way in ("device", "mmap", "workers", "torchvision"):
        assert way in out


def test_what_torchvision_can_not_read_is_one_line(call: Call, faces: Path, tmp_path: Path) -> None:
    (tmp_path / "flat").symlink_to(faces)
    settings = ["data", f"data.root={tmp_path / 'flat'}", f"data.store={tmp_path}", "data.resolution=16"]
    code, _, said = call(bench.main, *settings)
    assert (code, len(said.strip().splitlines()[-1:])) == (2, 1)
    assert "plain=null leaves it out" in said
    code, out, _ = call(bench.main, *settings, "plain=null", "data.batch_size=16", "seconds=0.1", "rounds=1")
    assert code == 0
    assert "torchvision" not in out


def test_changed_data_are_told(call: Call, tmp_path: Path) -> None:
    root = tmp_path / "celeba"
    copy_of_celeba(root, 300)
    where = sized("celeba", root, tmp_path)
    overrides = [*where, f"runs={tmp_path / 'runs'}", "trainer.max_epochs=1"]
    run = Run(train(compose_config("train", overrides)))
    (root / "img_align_celeba" / "000001.jpg").write_bytes((root / "img_align_celeba" / "000002.jpg").read_bytes())
    code, _, said = call(evaluating.main, f"run={run.path}", "faces=2")
    assert code == 0
    assert "the data have changed since" in " ".join(said.split())
    status = read_json(run.path / "status.json")
    run.mark(**{**status, "status": "interrupted"})
    code, _, said = call(training.main, *overrides)
    assert code == 0
    assert "is a run on other data" in " ".join(said.split())
    assert run.status == "interrupted", "it stays as it was"
    (other,) = (path for path in run.path.parent.iterdir() if path != run.path)
    assert Run(other).status == "finished"
    assert read_json(other / "status.json")["data_fingerprint"] != status["data_fingerprint"]
    code, _, said = call(training.main, *overrides)
    assert f"finished already: {other}" in said.replace("\n", ""), "found again"


def damaged(root: Path, how: str) -> list[str]:
    """A copy of CelebA that can't be used, and what is said of it."""
    table, partition, folder = (
        root / n for n in ("list_attr_celeba.txt", "list_eval_partition.txt", "img_align_celeba")
    )
    match how:
        case "html zip":
            shutil.rmtree(folder)
            (root / "img_align_celeba.zip").write_text("<!DOCTYPE html><html>quota</html>")
            return ["img_align_celeba.zip is an HTML page"]
        case "html txt":
            table.write_text("<html>sign in</html>")
            return ["list_attr_celeba.txt is an HTML page"]
        case "truncated":
            (folder / "000003.jpg").write_bytes((folder / "000003.jpg").read_bytes()[:900])
            return ["000003.jpg", "data.on_corrupt=skip"]
        case "no partition":
            partition.unlink()
            return ["no list_eval_partition.txt or .csv"]
        case "fewer lines":
            table.write_text("\n".join(table.read_text().splitlines()[:-3]))
            return ["117 lines"]
        case "empty split":
            partition.write_text(partition.read_text().replace(" 2\n", " 1\n"))
            return ["the test split is empty"]
        case "bad label":
            lines = table.read_text().splitlines()
            lines[4] = lines[4].replace(" 1", " 3", 1)
            table.write_text("\n".join(lines))
            return ["line 5", "'3' is not a label"]
        case "unreadable":
            table.unlink()
            table.symlink_to(root / "list_attr_celeba.txt.d")
            (root / "list_attr_celeba.txt.d").mkdir()
            return ["no CelebA in"]
    raise AssertionError(how)


HOW = ("html zip", "html txt", "truncated", "no partition", "fewer lines", "empty split", "bad label", "unreadable")


@pytest.mark.parametrize("how", HOW)
def test_bad_data_is_one_line_and_exit_code_2(how: str, call: Call, tmp_path: Path) -> None:
    root = tmp_path / "celeba"
    copy_of_celeba(root, 120)
    expected = damaged(root, how)
    settings = ["data=celeba", f"data.root={root}", f"data.store={tmp_path / 'store'}", "data.resolution=16"]
    code, _, said = call(dataset.main, "build", *settings, "data.workers=1")
    assert code == 2
    line = said.strip().splitlines()[-1]
    assert line.startswith("facet-data: ")
    assert all(part in line for part in expected), line
    assert not [file for file in (tmp_path / "store").glob("*") if file.suffix not in (".lock", ".partial")]


def test_the_wrong_folder_level_is_put_right(call: Call, faces: Path, tmp_path: Path) -> None:
    right = tmp_path / "downloads" / "faces"
    right.parent.mkdir()
    right.symlink_to(faces)
    for wrong in (right.parent, right / "img_align_celeba"):
        code, _, said = call(dataset.main, "info", "data=celeba", f"data.root={wrong}", f"data.store={tmp_path}")
        assert code == 2
        assert f"set data.root={right}" in said


def test_a_full_disk_is_one_line(call: Call, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("datamodules.building._Partial.add", full)
    settings = ["data=celeba", f"data.root={faces}", f"data.store={tmp_path}", "data.resolution=16", "data.workers=1"]
    code, _, said = call(dataset.main, "build", *settings)
    assert code == 2
    assert "No space left on device): make room there" in " ".join(said.split())
    assert [file.suffix for file in tmp_path.iterdir()] == [".lock"]
