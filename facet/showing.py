"""Shows the progress of parallel jobs, a line each: redrawn on a terminal, otherwise printed at intervals."""

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

EVERY = 60.0  # seconds between two lines of a job if there is no terminal


@dataclass
class Line:
    """The progress of a job.

    Attributes:
        begun: when the job began, in seconds of a monotonic clock.
        what: what it is doing, in words.
        done: the part that is done, in [0, 1]; None if unknown.
        first: the time of the first known ``done``, and its value.
    """

    begun: float = field(default_factory=time.monotonic)
    what: str = "starting"
    done: float | None = None
    first: tuple[float, float] | None = None

    def read(self, note: Path) -> None:
        """Read the job's progress note (:func:`facet.workers.note`)."""
        with suppress(OSError, ValueError):  # not written yet, or only half
            self.what, self.done = json.loads(note.read_text("utf-8"))
            if self.done is not None and self.first is None:
                self.first = time.monotonic(), self.done

    @property
    def left(self) -> str:
        """The estimated time left, in words; empty if there is no estimate yet."""
        if self.first is None or self.done is None or self.done <= self.first[1]:
            return ""
        since, part = time.monotonic() - self.first[0], self.done - self.first[1]
        return f"{duration((1 - self.done) * since / part)} left"


class Board:
    """The lines of all running jobs."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.live = Live(console=self.console, auto_refresh=False, transient=True) if self.console.is_terminal else None
        self.lines: dict[str, Line] = {}
        self.printed = time.monotonic()

    def __enter__(self) -> Board:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.live:
            self.live.stop()

    def show(self, notes: Mapping[str, Path], waiting: int) -> None:
        """Draw or print the progress of jobs.

        Args:
            notes: the files of the jobs' progress notes, by the jobs' names.
            waiting: how many jobs have not begun.
        """
        for name, note in notes.items():
            self.lines.setdefault(name, Line()).read(note)
        if self.live:
            self.live.update(self._table(waiting), refresh=True)
        elif time.monotonic() - self.printed >= EVERY:
            self.printed = time.monotonic()
            for name, line in self.lines.items():
                done = "" if line.done is None else f", {line.done:.0%}"
                say(", ".join(filter(None, (f"{name}: {line.what}{done}", line.left))))

    def ended(self, name: str, code: int) -> None:
        """Remove a job's line and print how the job ended."""
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
    """A time in words: ``45 s``, ``12 min``, ``3 h 5 min``."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
