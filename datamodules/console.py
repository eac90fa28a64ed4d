"""What the user sees while data are made: lines and progress bars, on standard error."""

from __future__ import annotations

from functools import cache

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from datamodules.building import Chunks


def say(line: str) -> None:
    """A line that the user should see."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(line, style="yellow", markup=False)


@cache
def say_once(line: str) -> None:
    """The same, once in a process: data are prepared for the training, for the judge, and by Lightning."""
    say(line)


def shown(chunks: Chunks, title: str, done: np.ndarray) -> Chunks:
    """Chunks with a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=len(done), completed=int(done.sum()))
        for start, images, labels in chunks:
            progress.advance(task, len(images))
            yield start, images, labels
