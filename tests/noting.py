"""A callback that notes the work of a sweep's processes: a line for every batch, store and judge (``sweep.py``)."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pytorch_lightning import Callback, LightningModule, Trainer

import datamodules.store
import facet.judge


class Note(NamedTuple):
    """An event.

    Attributes:
        what: ``begins``, ``batch`` or ``ends`` of a run; ``store`` or ``judge`` when one is made.
        of: the run directory, the store, or ``judge``.
        process: number of the process.
        seconds: processor time of the process so far.
    """

    what: str
    of: str
    process: int
    seconds: float


def notes(path: Path) -> list[Note]:
    """All notes in the order of writing; none if the file does not exist."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    words = (line.split("\t") for line in lines)
    return [Note(what, of, int(process), float(seconds)) for what, of, process, seconds in words]


class Noting(Callback):
    """Notes the begin, batches and end of a run, and the stores and judges that are made for it.

    Args:
        path: of the notes.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        for module, name, what in ((datamodules.store, "build", "store"), (facet.judge, "train_judge", "judge")):
            function = getattr(module, name)
            if not hasattr(function, "noted"):  # a process may train several runs
                setattr(module, name, self._noted(function, what))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._note("begins", trainer.default_root_dir)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any, **kwargs: Any) -> None:
        self._note("batch", trainer.default_root_dir)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._note("ends", trainer.default_root_dir)

    def _noted(self, function: Callable[..., Any], what: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def inside(first: Any, *arguments: Any, **named: Any) -> Any:
            self._note(what, first.name if isinstance(first, Path) else what)
            return function(first, *arguments, **named)

        inside.noted = True  # type: ignore[attr-defined]
        return inside

    def _note(self, what: str, of: str) -> None:
        line = f"{what}\t{of}\t{os.getpid()}\t{time.process_time():.3f}\n"
        with open(self.path, "a", encoding="utf-8") as file:  # a single write, so that lines do not mix
            file.write(line)
