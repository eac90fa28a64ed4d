"""Writes a run's checkpoint after every epoch, every few minutes within one, and when the run is asked to stop."""

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

LOOK = 10  # batches between two checks of clock and signals, where several processes must agree


class Saving(Checkpoint):
    """Writes ``last.ckpt``, from which the same command resumes the run bit for bit.

    A new checkpoint replaces the old one when everything logged before it is on the disk. A checkpoint within an epoch
    waits until the next batch begins, because its own batch is logged only then. No checkpoint is written between a
    batch and a validation, or the end of the run, that follows it. A checkpoint says whether its run was about to end.

    A training that is asked to stop (:mod:`facet.signals`) is saved at the end of the step, and then ends.

    Args:
        path: of the checkpoint.
        minutes: between two checkpoints within an epoch; None writes none within an epoch.
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
        trainer.should_stop = checkpoint.get("ended", False)  # otherwise it would train one more epoch

    def save(self, trainer: Trainer) -> None:
        """Write a checkpoint, which replaces the old one when its batch is logged."""
        trainer.save_checkpoint(written(self.path))
        self.waiting, self.written = True, time.monotonic()

    def _check_place(self) -> None:
        """Check that the run directory still exists; writing would create a directory that is no run.

        Raises:
            RemovedError: the run directory was removed or replaced.
        """
        if self._lock() != self.lock:
            raise RemovedError(f"the run directory {self.path.parent.parent} was removed or moved during the training")

    def _lock(self) -> int | None:
        """The inode number of the run's lock file, which is unique while this process holds the lock."""
        try:
            return (self.path.parent.parent / ".lock").stat().st_ino
        except OSError:
            return None

    def _take(self, trainer: Trainer) -> None:
        """Replace the old checkpoint by the new one, and stop if the run was asked to.

        Raises:
            Stopped: the run was asked to stop, and no other handler takes the signal.
        """
        self.waiting = False
        if trainer.is_global_zero:
            for logger in trainer.loggers:
                logger.save()
            promote(self.path)
        if self.stopping:
            self.wish.grant(self.stopping)

    def _wanted(self, trainer: Trainer, batch_idx: int | None = None) -> bool:
        """Whether to write a checkpoint now, the same in all processes. Sets ``stopping`` if the run is to stop.

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
    """Whether the next batch follows directly, without a validation or the end of the epoch or of the run."""
    fit, epoch = trainer.fit_loop, trainer.fit_loop.epoch_loop
    assert fit._data_fetcher is not None
    return not (trainer.should_stop or epoch._is_training_done or epoch._should_check_val_fx(fit._data_fetcher))


def _begin_the_next_epoch(trainer: Trainer) -> None:
    """Begin the next epoch after an epoch's checkpoint; under ``max_steps``, Lightning would end the epoch again."""
    fit = trainer.fit_loop
    if fit.restarted_on_epoch_end:
        fit.epoch_progress.increment_completed()
        fit.reset_restart_stage()
        fit._restarting = fit.epoch_loop.restarting = False
