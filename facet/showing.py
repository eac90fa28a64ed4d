"""What runs beside one another, a line each: drawn again and again on a terminal, elsewhere said every so often."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from facet.commands import say

EVERY = 60.0  # seconds between two lines of a job, where there is no terminal


@dataclass
class Line:
    """How far a job is.

    Attributes:
        begun: when, in seconds of a monotonic clock.
        what: it is doing, in words.
        done: the part of it that is done, in [0, 1]; None where it doesn't say.
        first: when the job first said so, and what.
    """

    begun: float = field(default_factory=time.monotonic)
    what: str = "starting"
    done: float | None = None
    first: tuple[float, float] | None = None

    def read(self, note: Path) -> None:
        """Take what the job has noted (:func:`facet.workers.note`)."""
        with suppress(OSError, ValueError):  # not yet, or only half of it
            self.what, self.done = json.loads(note.read_text("utf-8"))
            if self.done is not None and self.first is None:
                self.first = time.monotonic(), self.done

    @property
    def left(self) -> str:
        """The time that is left, in words; empty where that can't be told yet."""
        if self.first is None or self.done is None or self.done <= self.first[1]:
            return ""
        since, part = time.monotonic() - self.first[0], self.done - self.first[1]
        return f"{duration((1 - self.done) * since / part)} left"


class Board:
    """The lines of all jobs that run."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.live = Live(console=self.console, auto_refresh=False, transient=True) if self.console.is_terminal else None
        self.lines: dict[str, Line] = {}
        self.said = time.monotonic()

    def __enter__(self) -> Board:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.live:
            self.live.stop()

    def show(self, notes: Mapping[str, Path], waiting: int) -> None:
        """Draw, or say, how far jobs are.

        Args:
            notes: by the jobs' names, the files in which they note it.
            waiting: how many have still to begin.
        """
        for name, note in notes.items():
            self.lines.setdefault(name, Line()).read(note)
        if self.live:
            self.live.update(self._table(waiting), refresh=True)
        elif time.monotonic() - self.said >= EVERY:
            self.said = time.monotonic()
            for name, line in self.lines.items():
                done = "" if line.done is None else f", {line.done:.0%}"
                say(", ".join(filter(None, (f"{name}: {line.what}{done}", line.left))))

    def ended(self, name: str, code: int) -> None:
        """A job has ended, with this exit code."""
        line = self.lines.pop(name, Line())
        how = "failed" if code else "done"
        self._say(f"{name}: {how} after {duration(time.monotonic() - line.begun)}", "red" if code else None)

    def _say(self, message: str, style: str | None) -> None:
        if self.live:
            self.live.console.print(message, style=style, markup=False)
        else:
            say(message, style)

    def _table(self, waiting: int) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, line in self.lines.items():
            bar = "" if line.done is None else ProgressBar(total=1.0, completed=line.done, width=24)
            table.add_row(name, bar, line.what, line.left or duration(time.monotonic() - line.begun))
        if waiting:
            table.add_row(f"{waiting} more wait")
        return table


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3 h 5 min``."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
