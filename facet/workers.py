"""The processes that a sweep or a page has for its jobs: none trains on when the command is stopped or killed."""

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

SAVING = 60.0  # seconds in which the runs of a sweep are saved
NOTE = "FACET_PROGRESS"  # in the environment: where a job of :mod:`facet.jobs` notes how far it is
_following = threading.Event()  # one look-out is enough for all jobs of a process


def note(what: str, done: float | None = None) -> None:
    """Tell the command that shows this job what it is doing; nothing where there is none.

    Args:
        what: in words.
        done: the part of it that is done, in [0, 1].
    """
    if NOTE in os.environ:
        with suppress(OSError):  # the command is gone, or its disk is full: nothing hangs on it
            Path(os.environ[NOTE]).write_text(json.dumps([what, done]), "utf-8")


def is_worker() -> bool:
    """Whether this process is one of joblib's."""
    return multiprocessing.current_process().name.startswith("Loky")


def stop_without_parent(parent: int | None = None) -> None:
    """Ask this process to stop, as SIGTERM does, when the one that has started it is gone.

    Args:
        parent: its number, where it may be gone already; whoever is the parent now if None.
    """
    if _following.is_set():
        return
    _following.set()
    parent = parent or os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=look, daemon=True).start()


def rest(log: Path, stopped: Stopped) -> NoReturn:
    """Say that this worker's run is saved, and wait to be ended: where one is gone, joblib kills the others at once."""
    parent = os.getppid()
    with _saved(log).open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    until = time.monotonic() + SAVING
    while os.getppid() == parent and time.monotonic() < until:
        time.sleep(0.1)
    os._exit(stopped.code)


def end_with_workers(log: Path) -> Handler:
    """A handler: joblib's processes save what they train, then they and the command end.

    Args:
        log: of the sweep's jobs.
    """

    def handler(signum: int, frame: FrameType | None) -> NoReturn:
        signal.signal(signum, end)  # whoever is asked twice
        loky = sys.modules.get("joblib.externals.loky.reusable_executor")
        workers = list((getattr(getattr(loky, "_executor", None), "_processes", None) or {}).values())
        if signum != signal.SIGINT:  # a terminal's Ctrl-C goes to them, too
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
    """Where the workers say so."""
    return log.with_name(f"{log.name}-saved")
