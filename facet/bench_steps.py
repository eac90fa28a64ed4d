"""Steps of the methods in training as ``facet-train`` runs them, each beside the authors' schedule, in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from facet.commands import say
from facet.configuration import check, compose_config

WARM_UP = 1.0  # seconds
Name = TypeVar("Name")
Way = Callable[[], float]
"""Measures a rate, in steps per second."""


def bench_growth(config: DictConfig) -> dict[str, float]:
    """Milliseconds of a student's step of JacSup on MNIST.

    Raises:
        UserError: a mistake in the config or the data.
    """
    check(config, "bench_growth")
    from facet.making import make

    settings, data = _prepared("experiment=jacsup/chain", config)
    plain = make(config.plain)
    images = data.tensors("train")[0][: data.batch_size].flatten(1).float() / 255
    units = int(config.plain.code_size)

    def student() -> Any:
        model = make(settings.model)
        model.network.restart(units - 2)
        model.grow()
        model.grow()  # a student whose teacher was one: thirteen of fourteen
        return model

    ours = partial(_training_rate, settings, data, student, config.seconds, lambda trainer: trainer.global_step)
    return _compare({"student": (ours, partial(_loop_rate, partial(plain.step, images), config.seconds))}, config)


def bench_faces(config: DictConfig) -> dict[str, float]:
    """Milliseconds of a step of JacSup on faces: a teacher's with cycle losses, and a student's.

    Raises:
        UserError: a mistake in the config or the data.
    """
    check(config, "bench_faces")
    import torch

    from facet.benchmarks.jacsup_faces import WIDTHS, PlainStudent, PlainTeacher
    from facet.making import make

    settings, data = _prepared("experiment=jacsup/faces/student", config)
    device = torch.device("cpu" if settings.trainer.accelerator == "cpu" else "cuda")
    images, labels = (values[: data.batch_size].to(device) for values in data.tensors("train"))
    images, labels = images.float() / 127.5 - 1, 2 * labels.float() - 1
    attributes, size = labels.shape[1], int(settings.model.network.code_size)
    widths = [min(settings.networks.width << i, WIDTHS[-1]) for i in range(images.shape[-1].bit_length() - 3)]
    with device:
        plain = {
            "teacher": PlainTeacher(attributes, size, widths),
            "student": PlainStudent(attributes, 2 * size, widths),
        }

    def grown(what: str) -> Any:
        torch.manual_seed(0)
        model = make(settings.model).to(memory_format=torch.channels_last)  # as facet-train has it
        model.grow(0)  # the cycle losses
        if "student" in what:
            model.grow(size)
        return model

    def ours(what: str) -> float:
        return _training_rate(settings, data, partial(grown, what), config.seconds, _batches)

    def authors(what: str) -> float:
        return _loop_rate(partial(plain[what].step, images, labels), config.seconds)

    return _compare({what: (partial(ours, what), partial(authors, what)) for what in plain}, config)


def _batches(trainer: Any) -> int:
    """How many a trainer has taken, of which each may be several steps of optimisers."""
    return int(trainer.fit_loop.epoch_loop.total_batch_idx)


def _prepared(experiment: str, config: DictConfig) -> tuple[DictConfig, Any]:
    """A training's settings under the authors' preset, and its data."""
    from facet.build import prepare, quiet
    from facet.making import make

    quiet()
    settings = compose_config("train", [experiment, "preset=authors", *config.overrides])
    check(settings)
    data = make(settings.data)
    prepare(data)
    return settings, data


def _compare(pairs: Mapping[str, tuple[Way, Way]], config: DictConfig) -> dict[str, float]:
    """Measure and print pairs of ours and the authors' in turn: milliseconds of each, medians."""
    import torch

    whose = ("ours, in training", "the authors' schedule")
    ways = {(what, who): way for what, pair in pairs.items() for who, way in zip(whose, pair, strict=True)}
    found = {each: [1000 / rate for rate in rates] for each, rates in in_turn(ways, config.rounds).items()}
    table = Table("a step of", "", "ms", "range", "times as fast")
    for (what, who), milliseconds in found.items():
        median = statistics.median(milliseconds)
        faster = statistics.median(found[what, whose[1]]) / median
        spread = f"{min(milliseconds):,.2f}–{max(milliseconds):,.2f}"
        table.add_row(what, who, f"{median:,.2f}", spread, f"{faster:.2f}")
    Console().print(table)
    say(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    return {f"{what}, {who}": statistics.median(milliseconds) for (what, who), milliseconds in found.items()}


def in_turn(ways: Mapping[Name, Way], rounds: int) -> dict[Name, list[float]]:
    """Every way's figures over the rounds, taking turns: a machine's slow minute then meets all of them."""
    found: dict[Name, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(way())
    return found


def _training_rate(
    settings: DictConfig, data: Any, made: Callable[[], Any], seconds: float, done: Callable[[Any], int]
) -> float:
    """Steps per second under Lightning.

    Args:
        settings: of the training.
        data: what it learns from.
        made: makes the model, in the stage to be timed.
        seconds: how long to count.
        done: how many steps a trainer has taken.
    """
    from pytorch_lightning import Callback

    from facet.making import make

    class Clock(Callback):
        started, first, rate = 0.0, 0, 0.0

        def on_train_batch_end(self, trainer: Any, *args: Any, **kwargs: Any) -> None:
            now = time.perf_counter()
            self.started = self.started or now
            if not self.first and now - self.started > WARM_UP:
                self.started, self.first = now, done(trainer)
            elif self.first and now - self.started > seconds:
                _wait()
                self.rate = (done(trainer) - self.first) / (time.perf_counter() - self.started)
                trainer.should_stop = True

    clock = Clock()
    quietly = {"enable_progress_bar": False, "enable_checkpointing": False, "limit_val_batches": 0, "max_epochs": -1}
    make(settings.trainer, logger=False, callbacks=[clock], **quietly).fit(made(), datamodule=data.for_lightning())
    return clock.rate


def _loop_rate(step: Callable[[], None], seconds: float) -> float:
    """Steps per second of a bare loop."""

    def run(limit: float) -> float:
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < limit:
            step()
            count += 1
        _wait()
        return count / (time.perf_counter() - start)

    run(WARM_UP)
    return run(seconds)


def _wait() -> None:
    """Until a GPU, where there is one, has done what it was given."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
