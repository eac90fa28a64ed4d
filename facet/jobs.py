"""Commands of ours beside one another: each in a process of its own, shown in a line, saved and ended together."""

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

LOOK = 0.2  # seconds between two looks at what runs


@dataclass(frozen=True)
class Job:
    """Commands, each if the one before went well.

    Attributes:
        name: to show.
        commands: each a module of ours and its arguments; they share a process, since torch takes seconds to import.
        log: the file that what they say is written to, behind what is there.
    """

    name: str
    commands: Sequence[Sequence[str]]
    log: Path


@dataclass
class Running:
    """A job's process, what it was given, and the file in which it notes how far it is."""

    job: Job
    process: subprocess.Popen[bytes]
    share: Mapping[str, str]
    note: Path


def run_jobs(jobs: Sequence[Job], shares: Sequence[Mapping[str, str]]) -> dict[str, int]:
    """Run jobs, in order and as many at a time as there are shares.

    A job that fails is told at the end, in a line with its log; the others go on.

    Args:
        jobs: with names of their own.
        shares: what each of those that run at a time is given, as environment variables.

    Returns:
        The exit codes of those that failed, by name; negative, a signal's, of one that was killed.

    Raises:
        Stopped: by a signal; what runs was asked by the same, was saved and has ended.
    """
    waiting, free, running = deque(jobs), list(reversed(shares)), list[Running]()
    failed: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="facet-jobs-") as notes, Board() as board, handled(end, *ASKED):
        try:
            while waiting or running:
                while waiting and free:
                    running.append(_start(waiting.popleft(), free.pop(), Path(notes)))
                for one in [one for one in running if one.process.poll() is not None]:
                    running.remove(one)
                    free.append(one.share)
                    if code := one.process.returncode:
                        failed[one.job.name] = code
                    board.ended(one.job.name, code)
                board.show({one.job.name: one.note for one in running}, len(waiting))
                time.sleep(LOOK)
        except BaseException as error:
            _stop([one.process for one in running], error)
            raise
    for job in (job for job in jobs if job.name in failed):
        code, said = failed[job.name], last_line(job.log)
        how = f"was killed ({name(-code)})" if code < 0 else f"ended with {code}"
        say(f"{job.name} {how}{said and f': {said}'} (all it said: {job.log})", "red")
    return failed


def code_of(codes: Iterable[int]) -> int:
    """The exit code of a command of which these jobs have failed: 2 where all are the user's mistakes."""
    return USER if set(codes) == {USER} else INTERNAL


def plug_ins(config: DictConfig) -> list[str]:
    """What was allowed to this command, for those that it starts."""
    return [f"allow=[{','.join(map(quoted, config.allow))}]"] if config.allow else []


def log_of(run: Path) -> Path:
    """Where it is kept what the commands of a run say: beside its directory, which may not be there yet."""
    return run.with_name(f".{run.name}.log")


def last_line(log: Path) -> str:
    """The last line that a job has said, which is what went wrong; empty where it said nothing."""
    try:
        lines = log.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _start(job: Job, share: Mapping[str, str], notes: Path) -> Running:
    """A process in a session of its own: what is asked of this command, a terminal's Ctrl-C too, it hands on itself."""
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
            start_new_session=True,
        )
    return Running(job, process, share, note)


def main() -> None:
    """``python -m facet.jobs COMMANDS PARENT``: a job's process, given its commands as JSON and who started it."""
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
    """Ask processes to end as this one was asked, wait until what they do is saved, and end those that don't."""
    signum = error.signum if isinstance(error, Stopped) else signal.SIGTERM
    for process in processes:
        process.send_signal(signum)
    if processes:
        say(f"{name(signum)}: what runs is saved, and stops", "red")
    until = time.monotonic() + SAVING
    try:
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, until - time.monotonic()))
    finally:  # whoever is asked twice stops at once
        for process in processes:
            process.kill()


if __name__ == "__main__":
    main()
