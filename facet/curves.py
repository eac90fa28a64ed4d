"""``metrics.csv``: what a run logs, whole at any moment, and cut where a resumed run goes on."""

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
    """Lightning's CSV logger, but a file that is there is kept as far as the run goes on from it.

    Args:
        run: the directory of ``metrics.csv``.
        batches: how many training batches the run has behind it; what was logged of later ones is forgotten.
    """

    def __init__(self, run: Path, batches: int = 0) -> None:
        super().__init__(save_dir=str(run), name="", version="")
        self._experiment: Any = _File(run / "metrics.csv", batches)


class _File:
    """Rows are added at the end; where a new name makes a column, the file is written anew beside itself.

    Args:
        path: of the file.
        batches: as above.
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
        """Keep a row until it is saved; ``nan`` stays what it is."""
        values = {name: value.item() if isinstance(value, Tensor) else value for name, value in metrics.items()}
        self.waiting.append({**values, "step": step})

    def log_hparams(self, params: Mapping[str, Any]) -> None:
        """A run's settings are in its ``config.yaml``."""

    def save(self) -> None:
        """Write what waits."""
        if not self.waiting or not self.path.parent.is_dir():  # a run that was removed isn't made again by its curves
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
