"""A method's training as ``facet-train`` runs it, on noise; a step's time does not depend on the images' contents."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig
from pytorch_lightning import Callback
from torch import Tensor

from facet.benchmarks.floor import Flops
from facet.benchmarks.timing import Stopwatch
from facet.build import Parts, in_every_step, seeded
from facet.making import make
from facet.runs import Run

BYTES = 48 << 20  # of noise, more than a processor's caches hold


class Training:
    """Short trainings, each from the start.

    Args:
        settings: of ``facet-train``, without validations and checkpoints.
        stage: brings a model to the stage that is timed.
        directory: for the files of a run.

    Raises:
        UserError: a constructor refuses a setting.
    """

    def __init__(self, settings: DictConfig, stage: Callable[[Any, DictConfig], None], directory: Path) -> None:
        self.settings, self.stage, self.run = settings, stage, Run(directory)
        self.data = of_noise(make(settings.data))
        self.batch_size = int(self.data.batch_size)
        on_cpu = settings.trainer.accelerator == "cpu" or not torch.cuda.is_available()
        self.device = torch.device("cpu" if on_cpu else "cuda")
        self.period = int(settings.model.get("penalty_every") or 1) if settings.model.get("gradient_penalty") else 1

    def flops(self) -> float:
        """Mean operations of a step."""
        counting = Flops(self.period)
        steps = self._fit(counting)
        return counting.total / steps

    def milliseconds(self, samples: int) -> list[float]:
        """Samples of a step's milliseconds, after a warm-up."""
        watch = Stopwatch(samples, self.period)
        self._fit(Clock(watch))
        return watch.found

    def batch(self) -> tuple[Tensor, Tensor]:
        """Images ``[B, C, H, W]`` in [0, 1] and labels ``[B, k]``, on the training's device."""
        images, labels = (values[: self.batch_size].to(self.device) for values in self.data.tensors("train"))
        return images.float() / 255, labels

    def _fit(self, callback: Callback) -> int:
        """Train until a callback ends the training; returns the number of steps."""
        seeded(self.settings.seed)
        averaging = self.settings.callbacks.get("averaging")
        callbacks = [*([make(averaging)] if averaging else []), *in_every_step(self.settings), callback]
        parts = Parts(self.settings, self.run, self.data, callbacks)
        model = parts.model()
        self.stage(model, self.settings)
        trainer = parts.trainer(0)
        trainer.fit(model, datamodule=self.data.for_lightning())
        return trainer.global_step


class Clock(Callback):
    """Ends a training when a stopwatch has all its samples."""

    def __init__(self, watch: Stopwatch) -> None:
        self.watch = watch

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        trainer.should_stop = self.watch.tick(trainer.global_step)


def of_noise(data: Any) -> Any:
    """Replace a data set's images and labels by noise; nothing is drawn, decoded or downloaded."""
    shape = (data.channels, data.resolution, data.resolution)
    count = max(2 * data.batch_size * data.steps_per_batch, BYTES // math.prod(shape))
    store = SimpleNamespace(images=_noise(256, count, *shape), labels=_noise(2, count, data.stored_attributes))
    data.store = lambda split: store
    data.prepare_data = lambda: None
    return data


@functools.lru_cache(maxsize=4)
def _noise(values: int, *shape: int) -> np.ndarray:
    """Random integers below ``values``: labels (int8) if 2, otherwise pixels (uint8)."""
    kind = np.uint8 if values > 2 else np.int8
    return np.random.default_rng(0).integers(0, values, shape, kind)
