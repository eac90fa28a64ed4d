"""When a run's checkpoint is written: after every epoch, every so many minutes within one, and when asked to stop."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from facet.checkpoints import promote, written
from facet.errors import RemovedError
from facet.signals import Wish

LOOK = 10  # batches between two looks at clock and signals where processes have to agree on them


class Saving(Checkpoint):
    """Writes ``last.ckpt``, from which the same command goes on as if nothing had happened.

    A checkpoint takes its place when all that was logged before it is on the disk, too. One that is written within an
    epoch waits for that until the next batch begins: until then its own batch isn't logged. Between a batch and what
    follows from it, a validation or the end, there is none; and one of a run that is to end says so.

    A training that is asked to stop (:mod:`facet.signals`) is saved at the end of the step, and then ends.

    Args:
        path: of the checkpoint.
        minutes: between two checkpoints within an epoch; None writes none there.
    """

    def __init__(self, path: Path, minutes: float | None = 10.0) -> None:
        self.path, self.minutes = path, minutes
        self.waiting, self.written = False, 0.0
        self.wish, self.stopping = Wish(), 0
        self.lock: int | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.waiting, self.written = False, time.monotonic()
        self.wish, self.stopping = Wish(), 0
        self.lock = self._lock()
        _begin_the_next_epoch(trainer)
        self.wish.listen()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.wish.give_back()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self.wish.give_back()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self.waiting:
            self._take(trainer)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._check_place()
        if _goes_on(trainer) and self._wanted(trainer, batch_idx):
            self.save(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._wanted(trainer)
        self._check_place()
        self.save(trainer)
        self._take(trainer)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        checkpoint["ended"] = trainer.should_stop

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        trainer.should_stop = checkpoint.get("ended", False)  # else it would train one more epoch

    def save(self, trainer: Trainer) -> None:
        """Write a checkpoint, which takes its place when its batch is logged."""
        trainer.save_checkpoint(written(self.path))
        self.waiting, self.written = True, time.monotonic()

    def _check_place(self) -> None:
        """Nothing is written to where the run isn't any more, which would make a directory that is no run.

        Raises:
            RemovedError: the run directory is gone, or another is in its place.
        """
        if self._lock() != self.lock:
            raise RemovedError(f"the run directory {self.path.parent.parent} was removed or moved during the training")

    def _lock(self) -> int | None:
        """Which file is the run's lock; while this process holds it, no other has its number."""
        try:
            return (self.path.parent.parent / ".lock").stat().st_ino
        except OSError:
            return None

    def _take(self, trainer: Trainer) -> None:
        """Let the checkpoint take its place; and stop, if that was the wish.

        Raises:
            Stopped: it was, and nobody else is there to handle the signal.
        """
        self.waiting = False
        if trainer.is_global_zero:
            for logger in trainer.loggers:
                logger.save()
            promote(self.path)
        if self.stopping:
            self.wish.grant(self.stopping)

    def _wanted(self, trainer: Trainer, batch_idx: int | None = None) -> bool:
        """Whether a checkpoint is wanted now, and whether the run is to stop with it; the same in all processes.

        Args:
            trainer: of the run.
            batch_idx: of the batch that has ended; None at the end of an epoch.
        """
        due = self.minutes is not None and time.monotonic() - self.written >= 60 * self.minutes
        stopping = self.wish.signum or 0
        if trainer.world_size > 1:
            if batch_idx is not None and (batch_idx + 1) % LOOK:
                return False
            wishes = torch.tensor([int(due), stopping], device=trainer.strategy.root_device)
            wishes = trainer.strategy.reduce(wishes, reduce_op="max")
            due, stopping = bool(wishes[0]), int(wishes[1])
        self.stopping = stopping
        return due or bool(stopping)


def _goes_on(trainer: Trainer) -> bool:
    """Whether the next batch follows this one at once: no validation, and no end of the epoch or of the run."""
    fit, epoch = trainer.fit_loop, trainer.fit_loop.epoch_loop
    assert fit._data_fetcher is not None
    return not (trainer.should_stop or epoch._is_training_done or epoch._should_check_val_fx(fit._data_fetcher))


def _begin_the_next_epoch(trainer: Trainer) -> None:
    """After an epoch's checkpoint: under ``max_steps`` Lightning would end the epoch again, and count a batch more."""
    fit = trainer.fit_loop
    if fit.restarted_on_epoch_end:
        fit.epoch_progress.increment_completed()
        fit.reset_restart_stage()
        fit._restarting = fit.epoch_loop.restarting = False
