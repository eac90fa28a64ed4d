"""The part that a command is in, and the moments at which its process may be killed."""

from __future__ import annotations

import functools
import mmap
import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytorch_lightning.loops.evaluation_loop import _EvaluationLoop

import datamodules.store
import facet.evaluate
import facet.judge
import facet.train
from facet.callbacks.edits import EditMonitor
from facet.callbacks.saving import Saving
from facet.report import command
from jacsup.growth import ProgressiveGrowth

PARTS: tuple[tuple[Any, str, str], ...] = (
    (facet.train, "train", "training"),
    (datamodules.store, "build", "drawing a data set"),
    (facet.judge, "train_judge", "training a judge"),
    (_EvaluationLoop, "run", "validation"),
    (ProgressiveGrowth, "on_train_epoch_end", "growth"),
    (EditMonitor, "_show", "drawing grids"),
    (Saving, "save", "writing a checkpoint"),
    (Saving, "_take", "a checkpoint taking its place"),
    (facet.evaluate, "judge_run", "judging"),
    (command, "report", "the report"),
)
STARTING = "starting"
PER_LIFE = 5  # expected number of kills in the time of an uncut run
WITHIN = 0.02  # mean seconds between the beginning of a part and a kill in it
CHANGES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"}

_place = mmap.mmap(-1, 64)  # shared with the processes that are forked


def now_at() -> str:
    """The part that the last started process is in."""
    return _place[:].decode().strip("\0 ")


def go_to(part: str) -> None:
    """Record the part that this process is in."""
    _place[:] = part.encode().ljust(64)


def watch() -> None:
    """Let every process that is forked from now on record the part that it is in."""

    def watched(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inside(*arguments: Any, **named: Any) -> Any:
            outer = now_at()
            go_to(part)
            try:
                return function(*arguments, **named)
            finally:
                go_to(outer)

        return inside

    for owner, name, part in PARTS:
        setattr(owner, name, watched(part, getattr(owner, name)))


@dataclass(frozen=True)
class Moment:
    """When a process is killed: some seconds after its start or after that of a part, or before a change of a file."""

    part: str = ""
    seconds: float | None = None
    change: int = 0

    @staticmethod
    def drawn(luck: random.Random, seconds: float, changes: int) -> Moment:
        """A random moment for commands whose uncut run takes so many seconds and changes of files."""
        match luck.randrange(4):
            case 0:
                return Moment(seconds=luck.expovariate(PER_LIFE / seconds))
            case 1:
                return Moment(part=luck.choice(PARTS)[-1], seconds=luck.expovariate(1 / WITHIN))
            case _:
                return Moment(change=1 + int(luck.expovariate(PER_LIFE / changes)))


class Changes:
    """Counts the changes of files below a directory by a process; kills the process before change ``killed_at``."""

    def __init__(self, directory: Path, killed_at: int = 0) -> None:
        self.directory, self.killed_at = str(directory), killed_at
        self._made = mmap.mmap(-1, 8)

    @property
    def made(self) -> int:
        return int.from_bytes(self._made[:8], "little")

    def count(self) -> None:
        """Begin to count in this process."""
        sys.addaudithook(self._look)

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in CHANGES or not str(arguments[0]).startswith(self.directory):
            return
        if event == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR):
            return
        made = self.made + 1
        self._made[:8] = made.to_bytes(8, "little")
        if made == self.killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
