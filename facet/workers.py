"""The worker processes of sweeps and pages: they save and stop when their command is stopped or killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from facet.signals import Handler, Stopped, end

SAVING = 60.0  # seconds that the runs of a sweep have for saving
NOTE = "FACET_PROGRESS"  # environment variable: the file for the progress note of a job of :mod:`facet.jobs`
_following = threading.Event()  # set once a thread watches the parent: one is enough for all jobs of a process


def note(what: str, done: float | None = None) -> None:
    """Write this job's progress note for the command that shows it; does nothing if there is no such command.

    Args:
        what: what the job is doing, in words.
        done: the part that is done, in [0, 1].
    """
    if NOTE in os.environ:
        with suppress(OSError):  # the command is gone or its disk is full: the job doesn't need the note
            Path(os.environ[NOTE]).write_text(json.dumps([what, done]), "utf-8")


def is_worker() -> bool:
    """Whether this process is one of joblib's."""
    return multiprocessing.current_process().name.startswith("Loky")


def stop_without_parent(parent: int | None = None) -> None:
    """Watch the parent process, in a thread, and send this process SIGTERM when it is gone.

    Args:
        parent: the parent's process id, if it may be gone already; None: the current parent.
    """
    if _following.is_set():
        return
    _following.set()
    parent = parent or os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def rest(log: Path, stopped: Stopped) -> NoReturn:
    """Report that this worker's run is saved, and wait to be killed.

    A worker must not end by itself: joblib would kill the others at once.
    """
    parent = os.getppid()
    with _saved(log).open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    until = time.monotonic() + SAVING
    while os.getppid() == parent and time.monotonic() < until:
        time.sleep(0.1)
    os._exit(stopped.code)


def end_with_workers(log: Path) -> Handler:
    """A signal handler: joblib's workers save their runs, then they and the command end.

    Args:
        log: the log of the sweep's jobs.
    """

    def handler(signum: int, frame: FrameType | None) -> NoReturn:
        signal.signal(signum, end)  # a second signal ends the command at once
        loky = sys.modules.get("joblib.externals.loky.reusable_executor")
        workers = list((getattr(getattr(loky, "_executor", None), "_processes", None) or {}).values())
        if signum != signal.SIGINT:  # a terminal sends Ctrl-C to the workers, too
            _send(workers, signum)
        until, saved = time.monotonic() + SAVING, set[str]()
        while any(str(w.pid) not in saved and w.is_alive() for w in workers) and time.monotonic() < until:
            time.sleep(0.1)
            saved = set(_saved(log).read_text("utf-8").split()) if _saved(log).exists() else set()
        _saved(log).unlink(missing_ok=True)
        _send(workers, signal.SIGKILL)
        end(signum)

    return handler


def _send(workers: Sequence[Any], signum: int) -> None:
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signum)


def _saved(log: Path) -> Path:
    """The file in which workers report that their runs are saved."""
    return log.with_name(f"{log.name}-saved")
