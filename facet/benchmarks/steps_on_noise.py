"""Counts the costs of a training's step on made-up images of its data's shape, for ``scaling.py``."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from pytorch_lightning import Callback, LightningModule, Trainer
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from facet.benchmarks.counting import Counting, size, tensors, without_memory
from facet.benchmarks.scaling import ROUND
from facet.build import in_every_step, leave_signals
from facet.callbacks.averaging import WarmAveraging
from facet.callbacks.saving import Saving
from facet.making import make
from facet.rehearsal import MadeUp

SETTLED = 3  # steps after which DDP's buckets no longer change
FEW = 4  # images of a process where their number does not matter; some methods halve a batch


@dataclass(frozen=True)
class Memory:
    """Bytes that a process needs on its device, and the work of a step.

    Attributes:
        weights: parameters and buffers.
        gradients: of the trained parameters.
        buckets: DDP's copies of the gradients, which are sent.
        optimizers: states of the optimizers.
        averages: averages of weights.
        undo: copy of everything that a step changes, with ``on_nonfinite=skip``.
        passing: peak of activations and other memory that a step frees.
        flops: floating-point operations of a step's matrix products and convolutions.
        touched: bytes that a step's operators read and write.
    """

    weights: int
    gradients: int
    buckets: int
    optimizers: int
    averages: int
    undo: int
    passing: int
    flops: int
    touched: int

    @property
    def bytes(self) -> int:
        """The sum of all."""
        lasting = self.weights + self.gradients + self.buckets + self.optimizers + self.averages
        return lasting + self.undo + self.passing


@dataclass(frozen=True)
class Traffic:
    """Communication and operators of one of several processes in :data:`ROUND` steps.

    Attributes:
        sent: bytes that are given to collectives, by the collective's name.
        collectives: number of collectives, by name.
        operators: number of other operators.
    """

    sent: Counter[str]
    collectives: Counter[str]
    operators: int


class Unsaved(Saving):
    """Agrees with the other processes on when to save, but writes nothing."""

    def save(self, trainer: Trainer) -> None:
        """Only note that a checkpoint is waiting."""
        self.waiting = True

    def _take(self, trainer: Trainer) -> None:
        self.waiting = False
        if self.stopping:
            self.wish.grant(self.stopping)


class Within(Callback):
    """Enters a mode before batch ``first`` and leaves it after batch ``last``; must be the last callback."""

    def __init__(self, counting: Any, first: int, last: int) -> None:
        self.counting, self.first, self.last = counting, first, last
        self.within = ExitStack()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if batch_idx == self.first:
            self.within.enter_context(self.counting)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:  # type: ignore[override]
        if args[-1] == self.last:
            self.within.close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self.within.close()


class _WithoutMemory(Callback):
    """Counts two steps on fake tensors; the second has the gradients and optimisers' states that the first made."""

    def __init__(self, mode: FakeTensorMode) -> None:
        self.mode, self.counting, self.flops = mode, Counting(), FlopCounterMode(display=False)
        self.states = self.touched = 0
        self.within = ExitStack()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        batch |= {name: self.mode.from_tensor(value) for name, value in batch.items()}
        modes: list[Any] = [self.mode, self.counting, *([self.flops] if batch_idx else [])]
        for mode in modes:
            self.within.enter_context(mode)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self.within.close()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:  # type: ignore[override]
        self.within.close()
        self.touched = self.counting.touched - self.touched  # of the last step alone
        states = [state for optimizer in trainer.optimizers for state in optimizer.state.values()]
        self.states = sum(map(size, tensors(states)))


def stages(config: DictConfig) -> int:
    """Number of stages with different costs: one, or the first, second and last of a model that grows."""
    return 1 + len(list(_growth(config, make(config.model))))


def model_of(config: DictConfig, stage: int) -> LightningModule:
    """A run's untrained model at one of these stages, in the middle of the run."""
    torch.manual_seed(0)
    model: Any = make(config.model).to(memory_format=torch.channels_last)
    for _ in itertools.islice(_growth(config, model), stage):
        pass
    if hasattr(model, "progress"):
        model.progress = lambda batch_idx: 0.5
    return model  # type: ignore[no-any-return]


def _growth(config: DictConfig, model: Any) -> Iterator[None]:
    growth = config.callbacks.get("growth")
    return make(growth).milestones(model) if growth is not None else iter(())


def memory(config: DictConfig, stage: int, images: int, several: bool) -> Memory:
    """Count the memory and the work of a process's step on fake tensors, so that any size is possible.

    Args:
        config: of a training.
        stage: number of the stage, below :func:`stages`.
        images: of a step, in this process.
        several: whether there are other processes.
    """
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    model, averaging = model_of(config, stage), config.callbacks.get("averaging")
    without_memory(model, mode)
    counter, average = _WithoutMemory(mode), make(averaging) if averaging is not None else WarmAveraging()
    quiet: Any = {"barebones": True, "limit_val_batches": 0, "max_epochs": 1}
    callbacks: list[Callback] = [counter] if averaging is None else [average, counter]
    trainer = Trainer(accelerator="cpu", precision=config.trainer.precision, callbacks=callbacks, **quiet)
    strategy: Any = trainer.strategy
    strategy.model_to_device = strategy.teardown = lambda: None  # fake tensors can't be moved
    trainer.fit(model, datamodule=MadeUp(make(config.data), images, 2))
    learning = sum(size(parameter) for parameter in model.parameters() if parameter.requires_grad)
    weights = sum(map(size, [*model.parameters(), *model.buffers()]))
    averages = sum(map(size, average.average.values()))
    return Memory(
        weights=weights,
        gradients=learning,
        buckets=learning if several else 0,
        optimizers=counter.states,
        averages=averages,
        undo=weights + counter.states + averages if config.on_nonfinite == "skip" else 0,
        passing=counter.counting.most - counter.states - learning,
        flops=counter.flops.get_total_flops(),
        touched=counter.touched,
    )


def traffic(config: DictConfig, stage: int, processes: int) -> Traffic:
    """Count the communication between processes with a few images each.

    The other processes are started by the same command and call this function too.
    """
    counting = Counting()
    fit(
        config,
        model_of(config, stage),
        Within(counting, SETTLED, SETTLED + ROUND - 1),
        processes,
        FEW,
        SETTLED + ROUND,
    )
    return Traffic(counting.sent, counting.collectives, counting.operators)


def fit(config: DictConfig, model: LightningModule, watch: Callback, processes: int, images: int, steps: int) -> None:
    """Train a model for some steps on CPUs as a run does, with so many images in each process and a callback."""
    averaging = config.callbacks.get("averaging")
    own = [*([] if averaging is None else [make(averaging)]), *in_every_step(config), Unsaved(Path("nowhere"))]
    quiet: Any = {"logger": False, "enable_progress_bar": False, "max_epochs": 1}
    quiet |= {"enable_model_summary": False, "limit_val_batches": 0, "use_distributed_sampler": False}
    trainer = Trainer(
        accelerator="cpu",
        devices=processes,
        strategy=config.trainer.strategy if processes > 1 else "auto",
        precision=config.trainer.precision,
        callbacks=[*own, watch],
        **quiet,
    )
    leave_signals(trainer)
    trainer.fit(model, datamodule=MadeUp(make(config.data), images, steps))
