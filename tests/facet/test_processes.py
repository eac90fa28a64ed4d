"""A run of several processes: it goes on as one does, and ends in all of them when one is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ranks import found_by_ranks
from tiny import assert_same, overrides

from facet import processes
from facet.benchmarks.memory import tree
from facet.errors import ToldError
from facet.processes import together
from facet.runs import Run
from facet.signals import Stopped

ROOT = Path(processes.__file__).parents[1]
GLOO = RuntimeError("[gloo/transport/tcp/pair.cc:561] Connection closed by peer [127.0.0.1]:17589")


@pytest.mark.reliability
def test_two_ranks_go_on_within_an_epoch_bit_for_bit() -> None:
    """With noise and an average of weights, validations, and their curves."""
    assert found_by_ranks("resumed")[0] == {"weights": [], "curves": []}


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def trainer(*started: subprocess.Popen[bytes]) -> Any:
    return SimpleNamespace(
        world_size=2, global_rank=0, strategy=SimpleNamespace(launcher=SimpleNamespace(procs=started))
    )


def test_one_that_is_killed_is_named(other: subprocess.Popen[bytes]) -> None:
    other.kill()
    line = r"process 1 of the run was killed \(SIGKILL\): run the same command to continue"
    with pytest.raises(ToldError, match=line), together(trainer(other)):
        raise GLOO


def test_an_error_of_ones_own_stays_and_ends_the_others(other: subprocess.Popen[bytes]) -> None:
    with pytest.raises(OSError, match="full"), together(trainer(other)):
        raise OSError("full")
    assert other.returncode == -signal.SIGKILL


def test_those_that_are_asked_to_stop_are_waited_for() -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.5)"])
    with pytest.raises(Stopped), together(trainer(other)):
        raise Stopped(signal.SIGTERM)
    assert other.returncode == 0


@pytest.mark.parametrize("gone", ["other", "first"])
def test_a_process_that_waits_for_ever_is_ended(gone: str, tmp_path: Path) -> None:
    """NCCL says nothing when a process is gone."""
    if gone == "other":  # the first has started it
        waits = "processes._watch(lambda: processes._ended([other]), threading.Event(), [other]); other.kill()"
    else:
        waits = "processes.follow()"
    code = (
        f"import os, subprocess, sys, threading, time; sys.path.insert(0, {str(ROOT)!r})\n"
        "from facet import processes; processes.PATIENCE = 0.1\n"
        f"other = subprocess.Popen(['sleep', '600']) if {gone == 'other'} else None\n{waits}\ntime.sleep(600)"
    )
    environment = {**os.environ, processes.LAUNCHER: "1"}  # another than it has
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    who = {"other": "process 1 of the run was killed (SIGKILL)", "first": "the first process is gone"}[gone]
    assert done.stderr.strip() == f"{who}: run the same command to continue from the last checkpoint"


# ---------------------------------------------------------------------- the command itself


def settings(root: Path, name: str) -> list[str]:
    where = [f"run_dir={root / name}", "trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"]
    long = ["data.train_size=320", "trainer.max_epochs=6", "trainer.log_every_n_steps=1", "save_minutes=0"]
    return overrides(root, "ablation=erasure", *where, *long, "trainer.precision=32-true")


def start(root: Path, name: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (root / "said").open("w") as said:
        command = [sys.executable, "-m", "facet.train", *settings(root, name)]
        return subprocess.Popen(command, env=environment, cwd=root, stderr=said, stdout=said)


ENDS = {  # who gets which signal, and the exit code
    "another is killed": ([1], signal.SIGKILL, 1),
    "the first is killed": ([0], signal.SIGKILL, -signal.SIGKILL),
    "the first is asked": ([0], signal.SIGTERM, 143),
    "all are asked": ([0, 1], signal.SIGTERM, 143),
    "another is asked": ([1], signal.SIGUSR1, 138),
}


def written(file: Path) -> float:
    """When; 0 while it isn't there, as between two renames."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


@pytest.mark.reliability
def test_a_command_of_two_processes_ends_and_goes_on(tmp_path: Path) -> None:
    """Ended five times, it is the whole run."""
    assert start(tmp_path, "whole").wait() == 0
    run, seen = Run(tmp_path / "cut"), 0.0
    for name, (ranks, signum, code) in ENDS.items():
        first = start(tmp_path, "cut")
        while first.poll() is None and not written(run.checkpoint) > seen:
            time.sleep(0.05)
        both = [pid for pid in tree(first.pid) if b"facet.train" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(both) == 2, name
        for rank in ranks:
            os.kill(both[rank], signum)
        assert first.wait(60) == code, name
        until = time.monotonic() + 60
        while Path(f"/proc/{both[1]}").exists() and time.monotonic() < until:
            time.sleep(0.1)
        assert not Path(f"/proc/{both[1]}").exists(), name
        seen = written(run.checkpoint)
    assert start(tmp_path, "cut").wait() == 0
    assert_same(Run(tmp_path / "whole"), run)
