"""Runs several of our commands in parallel processes, shows their progress, and stops them together."""

from __future__ import annotations

import importlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from facet.command_line import quoted
from facet.commands import INTERNAL, USER, say
from facet.showing import Board
from facet.signals import ASKED, Stopped, end, handled, name
from facet.sweeps import environment
from facet.workers import NOTE, SAVING, stop_without_parent

LOOK = 0.2  # seconds between two checks of the processes


@dataclass(frozen=True)
class Job:
    """A sequence of commands; a failure ends it.

    Attributes:
        name: the name to show.
        commands: each a module of ours and its arguments. They share a process, since torch takes seconds to import.
        log: the file to which their output is appended.
    """

    name: str
    commands: Sequence[Sequence[str]]
    log: Path


@dataclass
class Running:
    """A job's process, its share of the machine (environment variables), and the file of its progress note."""

    job: Job
    process: subprocess.Popen[bytes]
    share: Mapping[str, str]
    note: Path


def run_jobs(jobs: Sequence[Job], shares: Sequence[Mapping[str, str]]) -> dict[str, int]:
    """Run jobs in order, as many at a time as there are shares.

    If a job fails, the others continue. Each failure is reported at the end, in a line with its log.

    Args:
        jobs: the jobs; their names are unique.
        shares: the environment variables for each job that runs at a time.

    Returns:
        The exit codes of the failed jobs, by name; a negative code is the signal that killed the job.

    Raises:
        Stopped: a signal came. The running jobs got it too; they were saved and have ended.
    """
    waiting, free, running = deque(jobs), list(reversed(shares)), list[Running]()
    failed: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="facet-jobs-") as notes, Board() as board, handled(end, *ASKED):
        try:
            while waiting or running:
                while waiting and free:
                    running.append(_start(waiting.popleft(), free.pop(), Path(notes)))
                for ended in [item for item in running if item.process.poll() is not None]:
                    running.remove(ended)
                    free.append(ended.share)
                    if code := ended.process.returncode:
                        failed[ended.job.name] = code
                    board.ended(ended.job.name, code)
                board.show({item.job.name: item.note for item in running}, len(waiting))
                time.sleep(LOOK)
        except BaseException as error:
            _stop([item.process for item in running], error)
            raise
    for job in (job for job in jobs if job.name in failed):
        code, line = failed[job.name], last_line(job.log)
        how = f"was killed ({name(-code)})" if code < 0 else f"ended with {code}"
        say(f"{job.name} {how}{line and f': {line}'} (full output: {job.log})", "red")
    return failed


def code_of(codes: Iterable[int]) -> int:
    """A command's exit code from its failed jobs' codes: 2 if all failures are the user's mistakes, else 1."""
    return USER if set(codes) == {USER} else INTERNAL


def plug_ins(config: DictConfig) -> list[str]:
    """The argument that passes this command's ``allow`` on to the commands that it starts."""
    return [f"allow=[{','.join(map(quoted, config.allow))}]"] if config.allow else []


def log_of(run: Path) -> Path:
    """The log file of a run's commands. It lies beside the run's directory, which may not exist yet."""
    return run.with_name(f".{run.name}.log")


def last_line(log: Path) -> str:
    """The last line of a job's output, which names the error; empty if there is no output."""
    try:
        lines = log.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _start(job: Job, share: Mapping[str, str], notes: Path) -> Running:
    """Start a job's process."""
    note = notes / f"{len(list(notes.iterdir()))}.json"
    note.touch()
    job.log.parent.mkdir(parents=True, exist_ok=True)
    with job.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "facet.jobs", json.dumps(job.commands), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**environment(), **share, NOTE: str(note)},
            start_new_session=True,  # Ctrl-C then reaches this command alone, which passes it on (:func:`_stop`)
        )
    return Running(job, process, share, note)


def main() -> None:
    """``python -m facet.jobs COMMANDS PARENT``: a job's process, given its commands as JSON and its parent's id."""
    commands, parent = sys.argv[1:]
    stop_without_parent(int(parent))
    for module, *arguments in json.loads(commands):
        print(shlex.join([module, *arguments]), file=sys.stderr)
        sys.argv[1:] = arguments
        try:
            importlib.import_module(module).main()
        except SystemExit as ended:
            if ended.code:
                raise


def _stop(processes: Sequence[subprocess.Popen[bytes]], error: BaseException) -> None:
    """Send processes the signal that stopped this one, wait until they have saved and ended, and kill the rest."""
    signum = error.signum if isinstance(error, Stopped) else signal.SIGTERM
    for process in processes:
        process.send_signal(signum)
    if processes:
        say(f"{name(signum)}: running jobs are saved and stopped", "red")
    until = time.monotonic() + SAVING
    try:
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, until - time.monotonic()))
    finally:  # a second signal kills them at once
        for process in processes:
            process.kill()


if __name__ == "__main__":
    main()
