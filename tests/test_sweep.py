"""A sweep shares what its runs need and survives killed workers (``python -m tests.sweep`` is the long form)."""

from __future__ import annotations

from pathlib import Path

import pytest
from noting import Note
from sweep import BATCHES, Sweep


@pytest.mark.reliability
@pytest.mark.parametrize(("launcher", "n"), [("joblib", 12), ("submitit_local", 4)])
def test_a_sweep_goes_on_past_a_killed_worker(launcher: str, n: int, tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, n, workers=2, kills=1, launcher=launcher)
    sweep.go_on()
    assert sweep.codes == [1, 0], "the command ends with its worker, and goes on"
    said = (tmp_path / "output").read_text()
    assert "a process of the sweep was killed: run the same command to continue" in said
    assert "Traceback" not in said
    assert not list(sweep.faults())
    assert 1 <= len(sweep.interrupted) <= 2, "of two workers"


def noted(tmp_path: Path, *more: tuple[str, str], runs: int = 2) -> Sweep:
    """A sweep of two runs as it should be, and what else is noted."""
    sweep = Sweep(tmp_path, n=2, workers=2, kills=0, launcher="joblib")
    made = [("store", "train"), ("store", "val"), ("store", "test"), ("judge", "judge")]
    batches = [("batch", run) for run in ("a", "b") for _ in range(BATCHES)]
    lines = [Note(what, of, 1, 0.0) for what, of in (*made, *batches, *more)]
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "notes").write_text("".join("\t".join(map(str, line)) + "\n" for line in lines))
    for run in ("a", "b")[:runs]:
        (tmp_path / "runs" / run).mkdir(parents=True)
        (tmp_path / "runs" / run / "status.json").write_text('{"status": "finished"}')
    return sweep


def test_a_sweep_as_it_should_be_has_no_faults(tmp_path: Path) -> None:
    assert not list(noted(tmp_path).faults())


def test_faults_are_seen(tmp_path: Path) -> None:
    """A store and a judge that were made twice, a run that was trained twice, one that isn't finished."""
    assert any("'train': 2" in fault for fault in noted(tmp_path / "a", ("store", "train")).faults())
    assert any("'judge': 2" in fault for fault in noted(tmp_path / "b", ("judge", "judge")).faults())
    twice = noted(tmp_path / "c", *[("batch", "b")] * BATCHES)
    assert any("b was trained for 36 batches and never interrupted" in fault for fault in twice.faults())
    twice.interrupted.add("b")
    assert any("b was trained for 36 batches" in fault for fault in twice.faults())
    assert any("1 of 2 runs are finished" in fault for fault in noted(tmp_path / "d", runs=1).faults())
