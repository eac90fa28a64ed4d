"""Profiles a few training steps by torch's profiler."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from torch.profiler import ProfilerActivity, profile

from facet.commands import say

FOLDER = "profile"
"""In the run's directory: ``table.txt``, and ``trace.json`` for ui.perfetto.dev or chrome://tracing."""
NAME_WIDTH = 45  # characters of an operation's name in the table


class Profiling(Callback):
    """Prints the slowest operations of a few training steps, and writes them with a trace into the run's directory.

    Only the first process is profiled.

    Args:
        skipped: steps before the first one that counts: kernels are chosen and memory is taken in them.
        steps: that count.
        rows: operations of the table, those with most time of their own first.

    Raises:
        ValueError: no step counts, or no row is shown.
    """

    def __init__(self, skipped: int = 3, steps: int = 5, rows: int = 15) -> None:
        if skipped < 0 or steps < 1 or rows < 1:
            raise ValueError(f"skipped={skipped} steps={steps} rows={rows}: at least one step and one row are needed")
        self.skipped, self.steps, self.rows = skipped, steps, rows
        self.seen = 0
        self.running: profile | None = None

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if trainer.is_global_zero and self.seen == self.skipped:
            activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if _on_gpu(trainer) else [])]
            os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # it says in every run that it starts, and finds no GPU
            self.running = profile(activities=activities)
            self.running.start()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.seen += 1
        if self.seen == self.skipped + self.steps:
            self._end(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._end(trainer)  # of a training with fewer steps

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        if self.running is not None:
            self.running.stop()

    def _end(self, trainer: Trainer) -> None:
        """Stop, and show what was found."""
        if self.running is None:
            return
        self.running.stop()
        by = "self_device_time_total" if _on_gpu(trainer) else "self_cpu_time_total"
        table = self.running.key_averages().table(sort_by=by, row_limit=self.rows, max_name_column_width=NAME_WIDTH)
        folder = Path(trainer.default_root_dir) / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "table.txt").write_text(table)
        self.running.export_chrome_trace(str(folder / "trace.json"))
        self.running = None
        print(table)
        say(f"the trace, for ui.perfetto.dev: {folder / 'trace.json'}")


def _on_gpu(trainer: Trainer) -> bool:
    return trainer.strategy.root_device.type == "cuda"
