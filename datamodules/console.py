"""Messages and progress bars while stores are built, on standard error."""

from __future__ import annotations

from functools import cache

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from datamodules.building import Chunks

LONGEST = 2_000  # characters of a message


def say(line: str) -> None:
    """Print a message for the user. Control characters, which a file's name may contain, are escaped."""
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)
    shown = shown if len(shown) <= LONGEST else f"{shown[:LONGEST]} …"
    Console(stderr=True, soft_wrap=True, highlight=False).print(shown, style="yellow", markup=False)


@cache
def say_once(line: str) -> None:
    """The same, once in a process: data are prepared for the training, for the judge and by Lightning."""
    say(line)


def shown(chunks: Chunks, title: str, done: np.ndarray) -> Chunks:
    """Chunks with a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=len(done), completed=int(done.sum()))
        for start, images, labels in chunks:
            progress.advance(task, len(images))
            yield start, images, labels
