"""Several commands at a time: each has its share, a line and a log; one that fails takes none along."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from facet import showing, sweeps
from facet.jobs import Job, code_of, run_jobs
from facet.machine import cores, memory
from facet.showing import Board, Line, duration


def job(place: Path, name: str, *commands: list[str]) -> Job:
    return Job(name, [["pretended_job", *command] for command in commands], place / f"{name}.log")


def test_a_job_that_fails_is_named_with_its_log_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first two wait for one another's files: they run at the same time. A job's commands follow one another."""
    one, other, last = (tmp_path / name for name in ("one", "other", "last"))
    shares = [{"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": gpu} for gpu in "57"]
    failed = run_jobs(
        [
            job(tmp_path, "first", [f"notes={one}", f"waits={other}"], ["says=begun", "exits=2"], ["says=never"]),
            job(tmp_path, "second", [f"notes={other}", f"waits={one}", "kills="]),
            job(tmp_path, "third", [f"notes={last}"]),
        ],
        shares,
    )
    assert failed == {"first": 2, "second": -9}
    assert {file.read_text() for file in (one, other)} == {"1 5", "1 7"}
    assert last.read_text() in ("1 5", "1 7"), "whose job had ended"
    said = capsys.readouterr().err
    assert f"first ended with 2: begun (full output: {tmp_path / 'first.log'})" in said
    assert "second was killed (SIGKILL)" in said
    assert "third: done after" in said
    assert "never" not in (tmp_path / "first.log").read_text()


def test_a_job_whose_command_is_gone_already_ends(tmp_path: Path) -> None:
    """However early: before it has looked who started it."""
    commands = json.dumps([["pretended_job", f"waits={tmp_path / 'never'}"]])
    of_nobody = str(os.getpid() + 1)  # as if another process had started it
    ended = subprocess.run([sys.executable, "-m", "facet.jobs", commands, of_nobody], timeout=50, check=False)
    assert ended.returncode == -signal.SIGTERM


@pytest.mark.parametrize(("codes", "code"), [([2], 2), ([2, 2], 2), ([2, 1], 1), ([-9], 1), ([2, -9], 1)])
def test_only_mistakes_of_the_users_are_the_users(codes: list[int], code: int) -> None:
    assert code_of(codes) == code


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four cores, memory for three runs, two GPUs."""
    monkeypatch.setattr(sweeps, "cores", lambda: 4)
    monkeypatch.setattr(sweeps, "memory", lambda: int(3.5 * sweeps.OF_A_RUN))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


def settings(accelerator: str, devices: object = 1) -> DictConfig:
    return OmegaConf.create({"trainer": {"accelerator": accelerator, "devices": devices}})


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("runs", "accelerator", "devices", "jobs", "at_a_time", "threads", "gpus"),
    [
        (12, "cpu", 1, None, 3, "1", [None] * 3),
        (2, "cpu", 1, None, 2, "2", [None] * 2),
        (2, "cpu", 1, 1, 1, "2", [None]),  # as many threads as with two at a time
        (1, "cpu", 1, None, 1, "4", [None]),
        (12, "cpu", 1, 6, 6, "1", [None] * 6),
        (12, "gpu", 1, None, 2, "2", ["4", "6"]),
        (12, "gpu", 1, 4, 4, "1", ["4", "6", "4", "6"]),
        (1, "gpu", 1, None, 1, "4", [None]),
        (12, "auto", "auto", None, 1, "4", [None]),
    ],
)
def test_cores_memory_and_gpus_are_shared_out(
    runs: int, accelerator: str, devices: object, jobs: int | None, at_a_time: int, threads: str, gpus: list[str | None]
) -> None:
    found = sweeps.shares([settings(accelerator, devices)] * runs, jobs)
    assert len(found) == at_a_time
    assert {each["OMP_NUM_THREADS"] for each in found} == {each["MKL_NUM_THREADS"] for each in found} == {threads}
    assert [each.get("CUDA_VISIBLE_DEVICES") for each in found] == gpus


@pytest.mark.usefixtures("machine")
def test_threads_that_are_asked_for_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert {each["OMP_NUM_THREADS"] for each in sweeps.shares([settings("cpu")] * 3)} == {"7"}


def test_a_quota_and_a_limit_count_wherever_they_are_set(tmp_path: Path) -> None:
    """Of version 2, above the process's own group; of version 1, seen from within a container, at the top."""
    for version in ("two", "one"):
        (tmp_path / version / "proc/self").mkdir(parents=True)
        (tmp_path / version / "proc/meminfo").write_text("MemTotal: 64000000 kB\nMemAvailable:   9000000 kB\n")
    two, one = (tmp_path / version / "sys/fs/cgroup" for version in ("two", "one"))
    (tmp_path / "two/proc/self/cgroup").write_text("0::/job/step\n")
    (two / "job/step").mkdir(parents=True)
    (two / "job/cpu.max").write_text("50000 100000\n")
    for group, limit in ((two / "job", "3000000000"), (two / "job/step", "max")):
        (group / "memory.max").write_text(f"{limit}\n")
        (group / "memory.current").write_text("2000000000\n")
        (group / "memory.stat").write_text("anon 5\ninactive_file 500000000\n")
    assert cores(tmp_path / "two") == 1
    assert memory(tmp_path / "two") == 1_500_000_000
    (tmp_path / "one/proc/self/cgroup").write_text("5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n")
    for controller in ("cpu", "memory"):
        (one / controller).mkdir(parents=True)
    (one / "cpu/cpu.cfs_quota_us").write_text("100000\n")
    (one / "cpu/cpu.cfs_period_us").write_text("100000\n")
    (one / "memory/memory.limit_in_bytes").write_text("4000000000\n")
    (one / "memory/memory.usage_in_bytes").write_text("1000000000\n")
    (one / "memory/memory.stat").write_text("inactive_file 0\n")
    assert cores(tmp_path / "one") == 1
    assert memory(tmp_path / "one") == 3_000_000_000
    assert memory(tmp_path / "none") is None


def test_on_a_terminal_every_job_has_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(
        showing, "Console", lambda **_: Console(file=screen, force_terminal=True, width=100, color_system=None)
    )
    notes = {name: tmp_path / name for name in ("ours seed=0", "icgan seed=0")}
    notes["ours seed=0"].write_text('["epoch 3 of 11", 0.25]')
    with Board() as board:
        board.show(notes, 2)
        drawn = [line.removeprefix("\x1b[?25l") for line in screen.getvalue().splitlines()]
        assert [line.split("  ")[0].strip() for line in drawn] == [
            "ours seed=0",
            "icgan seed=0",
            "2 more wait",
        ]
        assert "epoch 3 of 11" in drawn[0]
        assert "starting" in drawn[1]
        board.ended("icgan seed=0", 1)
        assert "icgan seed=0: failed after 0 s" in screen.getvalue()


def test_elsewhere_a_line_is_said_every_so_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    note = tmp_path / "note"
    with Board() as board:
        for done in (0.2, 0.3, 0.4):
            note.write_text(f'["epoch 2 of 9", {done}]')
            board.show({"ours": note}, 0)
            now += 40
    assert capsys.readouterr().err.split("\n") == ["ours: epoch 2 of 9, 40%, 4 min left", ""]


def test_time_left_is_reckoned_from_what_was_done_since_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that goes on begins in the middle."""
    now, note, line = 0.0, tmp_path / "note", Line(begun=0.0)
    monkeypatch.setattr(time, "monotonic", lambda: now)
    note.write_text('["epoch 6 of 10", 0.5]')
    line.read(note)
    assert line.left == ""
    now = 60.0
    note.write_text('["epoch 7 of 10", 0.6]')
    line.read(note)
    assert line.left == "4 min left"
    note.write_text('["judging", null]')
    line.read(note)
    assert (line.what, line.left) == ("judging", "")


@pytest.mark.parametrize(("seconds", "told"), [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5400, "1 h 30 min")])
def test_durations(seconds: float, told: str) -> None:
    assert duration(seconds) == told
