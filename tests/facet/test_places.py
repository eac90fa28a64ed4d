"""Directories that can't be written, or are gone: one clear line, and all works that has nothing to write there."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_once import avatars
from privileges import read_only
from pytorch_lightning import Callback
from tiny import overrides, tiny

from facet import bench, build, dashboard, dataset, demo, edit, evaluate, export
from facet import train as training
from facet.errors import UserError
from facet.files import read_json
from facet.info import command as info
from facet.report import command as report
from facet.runs import Run
from facet.train import train

COMMANDS: dict[str, tuple[Callable[[], None], tuple[str, ...]]] = {
    "facet-train": (training.main, ()),
    "facet-evaluate": (evaluate.main, ("run=somewhere",)),
    "facet-report": (report.main, ("table1",)),
    "facet-data": (dataset.main, ("info",)),
    "facet-bench": (bench.main, ("data",)),
    "facet-dashboard": (dashboard.main, ()),
    "facet-demo": (demo.main, ("run=somewhere",)),
    "facet-edit": (edit.main, ("run=somewhere", "image=me.jpg")),
    "facet-info": (info.main, ()),
    "facet-export": (export.main, ("run=somewhere",)),
}
Call = Callable[..., tuple[int, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Call a command in this process: its exit code and what it said on standard error."""

    def called(command: str, *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", [command, *arguments])
        code: Any = 0
        try:
            COMMANDS[command][0]()
        except SystemExit as ended:
            code = ended.code or 0
        return int(code), capfd.readouterr().err

    return called


@pytest.mark.parametrize("command", COMMANDS)
def test_where_the_working_directory_is_gone_every_command_says_so_and_helps(
    command: str, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    before = Path.cwd()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        code, said = call(command, *COMMANDS[command][1])
        assert (code, said.count("\n")) == (2, 1)
        assert f"{command}: the working directory is gone" in said
        assert call(command, "--help") == (0, "")
    finally:
        os.chdir(before)


def test_where_the_working_directory_cannot_be_written_what_lies_elsewhere_is_done(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep, too, with the exit code of its runs."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(training, "train", lambda config: Path("trained"))
    with read_only(here):
        assert call("facet-train", *overrides(tmp_path)) == (0, "")
        assert call("facet-train", "-m", *overrides(tmp_path, "seed=0,1")) == (0, "")
        code, said = call("facet-data", "info", f"data.root={avatars()}")
        assert (code, said) == (0, "")
        monkeypatch.setattr(training, "train", refusing)
        code, said = call("facet-train", "-m", *overrides(tmp_path, "seed=0,1"))
        assert code == 2
        assert "2 of the sweep's runs failed" in said
    assert not list(here.iterdir())


def refusing(config: Any) -> Path:
    raise UserError("no")


@pytest.mark.parametrize("sweep", [[], ["-m"]])
def test_runs_that_cannot_be_written_are_one_line(sweep: list[str], call: Call, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    with read_only(tmp_path / "runs"):
        code, said = call("facet-train", *sweep, *overrides(tmp_path))
    assert code == 2
    assert "Permission denied" in said
    assert "Traceback" not in said
    assert not list((tmp_path / "runs").iterdir())


def test_what_is_there_is_used_where_nothing_can_be_written(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stores and judge in a cache that can't be; a finished run that can't be, which is judged in vain."""
    run = Run(train(tiny(tmp_path)))
    shutil.copytree(avatars(), tmp_path / "cache", ignore=shutil.ignore_patterns("*.lock"))
    with read_only(tmp_path / "cache"):
        build.judge_of(tiny(tmp_path, f"data.root={tmp_path / 'cache'}"))
    with read_only(run.path):
        assert "finished already" in call("facet-train", *overrides(tmp_path))[1]
        monkeypatch.setattr(evaluate, "measured", lambda *_: ({}, {}))
        code, said = call("facet-evaluate", f"run={run.path}", "measures=[]")
        assert code == 2
        assert f"facet-evaluate: {run.path}/" in said.splitlines()[-1]
        assert "Traceback" not in said
    assert not (run.path / "results.json").exists()


def removed(path: Path) -> None:
    shutil.rmtree(path)


def moved(path: Path) -> None:
    path.rename(path.with_name("moved"))


def replaced(path: Path) -> None:
    """By a run that another process has begun."""
    moved(path)
    path.mkdir()
    (path / ".lock").touch()


class Once(Callback):
    """Something happens after the tenth batch, before anything else."""

    def __init__(self, what: Callable[[], None]) -> None:
        self.what = what

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        if trainer.global_step == 10:
            self.what()


@pytest.mark.parametrize(
    "how", [*(pytest.param(how, marks=pytest.mark.reliability) for how in (removed, moved)), replaced]
)
def test_a_run_whose_directory_goes_while_it_trains_ends_and_makes_no_other(
    how: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "run")
    made = build.Parts.trainer

    def trainer(self: build.Parts, batches: int) -> Any:
        self.callbacks = [Once(lambda: how(run.path)), *self.callbacks]
        return made(self, batches)

    monkeypatch.setattr(build.Parts, "trainer", trainer)
    with pytest.raises(UserError, match=f"the run directory {run.path} was removed or moved"):
        train(tiny(tmp_path, f"run_dir={run.path}", "trainer.log_every_n_steps=1"))
    assert run.path.exists() == (how is replaced)
    if how is replaced:
        assert [file.name for file in run.path.iterdir()] == [".lock"]
    if how is not removed:
        kept = Run(tmp_path / "moved")
        assert read_json(kept.path / "status.json")["status"] == "running"
        assert kept.saved()["global_step"] == 6
