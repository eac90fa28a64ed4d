"""A method's training as ``facet-train`` runs it, on noise: what images show is nothing to what a step takes."""

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

BYTES = 48 << 20  # of noise: more than a processor's caches hold


class Training:
    """Trains a little, as often as asked, from the start every time.

    Args:
        settings: of ``facet-train``, without what comes between steps.
        stage: takes a model to the stage that is looked at.
        directory: for what a run leaves behind.

    Raises:
        UserError: what a constructor refuses.
    """

    def __init__(self, settings: DictConfig, stage: Callable[[Any, DictConfig], None], directory: Path) -> None:
        self.settings, self.stage, self.run = settings, stage, Run(directory)
        self.data = of_noise(make(settings.data))
        self.batch_size = int(self.data.batch_size)
        on_cpu = settings.trainer.accelerator == "cpu" or not torch.cuda.is_available()
        self.device = torch.device("cpu" if on_cpu else "cuda")
        self.period = int(settings.model.get("penalty_every") or 1) if settings.model.get("gradient_penalty") else 1

    def flops(self) -> float:
        """Operations of a step."""
        counting = Flops(self.period)
        steps = self._fit(counting)
        return counting.total / steps

    def milliseconds(self, samples: int) -> list[float]:
        """Of a step, so many samples, warmed up before."""
        watch = Stopwatch(samples, self.period)
        self._fit(Clock(watch))
        return watch.found

    def batch(self) -> tuple[Tensor, Tensor]:
        """Images ``[B, C, H, W]`` in [0, 1] and labels ``[B, k]``, where the training is."""
        images, labels = (values[: self.batch_size].to(self.device) for values in self.data.tensors("train"))
        return images.float() / 255, labels

    def _fit(self, callback: Callback) -> int:
        """Train until a callback ends it; how many steps that were."""
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
    """Ends a training when a stopwatch has its samples."""

    def __init__(self, watch: Stopwatch) -> None:
        self.watch = watch

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        trainer.should_stop = self.watch.tick(trainer.global_step)


def of_noise(data: Any) -> Any:
    """A data set with noise in place of its images and labels: nothing is drawn, decoded or downloaded."""
    shape = (data.channels, data.resolution, data.resolution)
    count = max(2 * data.batch_size * data.steps_per_batch, BYTES // math.prod(shape))
    store = SimpleNamespace(images=_noise(256, count, *shape), labels=_noise(2, count, data.stored_attributes))
    data.store = lambda split: store
    data.prepare_data = lambda: None
    return data


@functools.lru_cache(maxsize=4)
def _noise(values: int, *shape: int) -> np.ndarray:
    """Below ``values``, int8 where they fit."""
    kind = np.uint8 if values > 2 else np.int8
    return np.random.default_rng(0).integers(0, values, shape, kind)
