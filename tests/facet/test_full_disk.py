"""A full disk, wherever it fills up: one line, exit code 2, what was there is whole, the same command goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from full_disk import fill, small_disk
from made_once import avatars
from pytorch_lightning import Callback
from tiny import NETWORKS, SIZES, assert_same, overrides, tiny

from facet import build, checkpoints, dataset, evaluate
from facet import train as training
from facet.files import read_json
from facet.report import command as report
from facet.runs import Run
from facet.train import train

COMMANDS = {"train": training.main, "evaluate": evaluate.main, "report": report.main, "data": dataset.main}
Call = Callable[..., tuple[int, str]]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as place:
        yield place


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Call a command in this process: its exit code and what it said on standard error."""

    def called(command: str, *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", [f"facet-{command}", *arguments])
        code: Any = 0
        try:
            COMMANDS[command]()
        except SystemExit as ended:
            code = ended.code or 0
        return int(code), capfd.readouterr().err

    return called


def assert_told(code: int, said: str) -> None:
    assert "Traceback" not in said
    assert code == 2, said
    told = said.strip().splitlines()[-1]
    assert "no room on the disk" in told or "No space left on device" in told


class Filling(Callback):
    """Fills the disk after a batch of the run."""

    def __init__(self, disk: Path, after: int, left: int) -> None:
        self.disk, self.after, self.left = disk, after, left

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        if trainer.global_step == self.after and not (self.disk / "ballast").exists():
            fill(self.disk, self.left)


LEFT = (0, 4096, 16_000, 40_000, 10**6)  # bytes


@pytest.mark.reliability
@pytest.mark.parametrize("left", LEFT)
def test_a_training_that_fills_the_disk_goes_on_when_there_is_room(
    left: int, disk: Path, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the second epoch: its checkpoint, curves, pictures or status don't get in, whichever comes first."""
    more = ("trainer.max_epochs=2", "trainer.log_every_n_steps=1", "save_minutes=0")
    whole, run = Run(train(tiny(tmp_path, *more, f"run_dir={tmp_path / 'whole'}"))), Run(disk / "run")
    made = build.Parts.trainer

    def trainer(self: build.Parts, batches: int) -> Any:
        self.callbacks = [Filling(disk, 8, left), *self.callbacks]
        return made(self, batches)

    arguments = overrides(tmp_path, *more, f"run_dir={run.path}")
    with monkeypatch.context() as patched:
        patched.setattr(build.Parts, "trainer", trainer)
        assert_told(*call("train", *arguments))
        held = {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()}
        assert checkpoints.is_whole(run.checkpoint)
        assert not [file for file in held if file.name.startswith(".") and file.name != ".lock" and held[file]]
        assert_told(*call("train", *arguments))  # still full
        assert checkpoints.is_whole(run.checkpoint)
    (disk / "ballast").unlink()
    code, said = call("train", *arguments)
    assert code == 0, said
    assert_same(whole, run)


@pytest.mark.reliability
@pytest.mark.parametrize("left", [0, 4096, 20_000, 200_000, 400_000])
def test_a_store_or_a_judge_that_fills_the_disk_is_made_when_there_is_room(left: int, disk: Path, call: Call) -> None:
    from facet.configuration import compose_config

    settings = [*SIZES, f"data.root={disk / 'data'}", "data.workers=1"]
    fill(disk, left)
    code, said = call("data", "build", *settings)
    if code:
        assert_told(code, said)
    config = compose_config("train", [*settings, *NETWORKS, "runs=runs"])
    with pytest.raises(ValueError, match="No space left on device"):
        build.judge_of(config)
    (disk / "ballast").unlink()
    assert build.judge_of(config)[1]["n"] == 60
    assert call("data", "verify", *settings)[0] == 0


@pytest.mark.reliability
@pytest.mark.parametrize("left", [0, 4096])
def test_a_judgement_or_a_page_that_fills_the_disk_is_made_when_there_is_room(
    left: int, disk: Path, call: Call, tmp_path: Path
) -> None:
    run = Run(train(tiny(disk, "logger=csv")))
    judging = (f"run={run.path}", "measures=[]", "faces=4")
    quoted = ",".join(
        f'"{each}"' for each in (*SIZES, *NETWORKS, f"data.root={avatars()}", "trainer.precision=32-true")
    )
    paging = (
        "pages=[table1]",
        f"runs={disk / 'runs'}",
        f"reports={disk / 'reports'}",
        f"overrides=[{quoted}]",
        "logger=csv",
    )
    ballast = fill(disk, left)
    assert_told(*call("evaluate", *judging))
    assert not (run.path / "results.json").exists()
    assert run.status == "finished"
    ballast.unlink()
    assert call("evaluate", *judging)[0] == 0
    results = read_json(run.path / "results.json")
    ballast = fill(disk, left)
    assert_told(*call("report", *paging))
    assert_told(*call("evaluate", *judging, "force=true"))
    assert read_json(run.path / "results.json") == results
    ballast.unlink()
    assert call("report", *paging)[0] == 0
    assert (disk / "reports/table1/index.html").is_file()
