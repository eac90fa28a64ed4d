"""Writes ``metrics.csv``: valid at any moment, and truncated to the point from which a resumed run continues."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from pytorch_lightning.loggers import CSVLogger
from torch import Tensor

from facet.files import atomic_write
from facet.metrics import Row, rows


class CurvesLogger(CSVLogger):
    """Lightning's CSV logger, which keeps the rows of an existing file up to the batch at which the run resumes.

    Args:
        run: the directory of ``metrics.csv``.
        batches: how many training batches the run has processed; rows of later batches are removed.
    """

    def __init__(self, run: Path, batches: int = 0) -> None:
        super().__init__(save_dir=str(run), name="", version="")
        self._experiment: Any = _File(run / "metrics.csv", batches)


class _File:
    """Appends rows to the file, or rewrites it atomically when a new name needs a column.

    Args:
        path: the file.
        batches: how many training batches the run has processed.
    """

    def __init__(self, path: Path, batches: int) -> None:
        self.path = path
        kept = [row for row in rows(path) if float(row["step"]) < batches]
        self.names = sorted(set().union(*kept))
        self.waiting: list[Row] = []
        if kept:
            self._write(kept)
        else:
            path.unlink(missing_ok=True)

    def log_metrics(self, metrics: Mapping[str, Tensor | float], step: int) -> None:
        """Buffer a row until :meth:`save`. NaN is kept."""
        values = {name: value.item() if isinstance(value, Tensor) else value for name, value in metrics.items()}
        self.waiting.append({**values, "step": step})

    def log_hparams(self, params: Mapping[str, Any]) -> None:
        """Do nothing: a run's settings are in its ``config.yaml``."""

    def save(self) -> None:
        """Write the buffered rows."""
        if not self.waiting or not self.path.parent.is_dir():  # don't recreate the directory of a removed run
            return
        known = set().union(*self.waiting)
        if known <= set(self.names) and self.path.is_file():
            with self.path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, self.names).writerows(self.waiting)
        else:
            self.names = sorted({*self.names, *known})
            self._write([*rows(self.path), *self.waiting])
        self.waiting = []

    def _write(self, content: Iterable[Row]) -> None:
        def write(file: IO[bytes]) -> None:
            text = TextIOWrapper(file, "utf-8", newline="")
            writer = csv.DictWriter(text, self.names)
            writer.writeheader()
            writer.writerows(content)
            text.flush()
            text.detach()

        atomic_write(self.path, write)
