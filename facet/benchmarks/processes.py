"""``python -m facet.benchmarks.processes facet-train … trainer=ddp``: a step on one process and on two, by the clock.

On CPUs, a thread each, on made-up images: the batch whole and half on one process; shared by two (strong scaling), and
as large in each of two (weak); and an all-reduce of as many bytes as a step's gradients alone, from which
``several_gpus.py`` would say what two processes take. Wants two cores with nothing else on them.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import time
import warnings
from typing import Any

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from facet.benchmarks.scaling import MIB, asked_for
from facet.benchmarks.several_gpus import BACKWARDS
from facet.commands import report, say
from facet.signals import Stopped

STEPS = 25
SUMS = 10  # all-reduces that are timed


def main() -> None:
    """The command."""
    try:
        config = asked_for(sys.argv[1:])
        from facet.build import quiet

        quiet()
        warnings.simplefilter("ignore")  # of Lightning, about so short a training
        alone = {} if os.environ.get("LOCAL_RANK") else of_one(config)  # the second process is started for the rest
        both = of_two(config)
    except Stopped as stopped:
        sys.exit(stopped.code)
    except Exception as error:
        sys.exit(report("train", error, "facet.benchmarks.processes"))
    if alone:
        show(alone | both, config.data.batch_size)


def of_one(config: DictConfig) -> dict[str, float]:
    """Seconds of a step on one process, of the whole batch and of half of it; medians.

    And the memory that it took, and that ``scaling.py`` would have counted, in bytes.
    """
    import torch

    from facet.benchmarks.peak import with_peak
    from facet.benchmarks.steps_on_noise import FEW, memory

    batch = config.data.batch_size
    step(config, 1, FEW)  # what is imported on the way isn't a step's
    counted = memory(config, 0, batch, several=False).bytes
    seconds, peak = with_peak(lambda: step(config, 1, batch), torch.device("cpu"))
    return {"one": seconds, "one, half": step(config, 1, batch // 2), "counted": counted, "peak": peak or 0}


def of_two(config: DictConfig) -> dict[str, float]:
    """Seconds of a step on two processes, and of an all-reduce of its gradients alone; and how many bytes these are."""
    import torch

    batch = config.data.batch_size
    found = {"strong": step(config, 2, batch // 2), "weak": step(config, 2, batch)}
    from facet.benchmarks.steps_on_noise import model_of

    numbers = sum(p.numel() for p in model_of(config, 0).parameters() if p.requires_grad)
    gradients, taken = torch.zeros(numbers), []
    for _ in range(SUMS):
        begun = time.perf_counter()
        torch.distributed.all_reduce(gradients)
        taken.append(time.perf_counter() - begun)
    return {**found, "sum": statistics.median(taken), "bytes": 4.0 * numbers}


def step(config: DictConfig, processes: int, images: int) -> float:
    """Seconds of a step as a run takes it, of so many images in each process: the median."""
    import torch
    from pytorch_lightning import Callback

    from facet.benchmarks.steps_on_noise import SETTLED, fit, model_of

    class Clock(Callback):
        def __init__(self) -> None:
            self.ends: list[float] = []

        def on_train_batch_end(self, *args: Any) -> None:
            self.ends.append(time.perf_counter())

    torch.set_num_threads(1)
    clock = Clock()
    fit(config, model_of(config, 0), clock, processes, images, SETTLED + STEPS)
    settled = clock.ends[SETTLED - 1 :]
    return statistics.median(after - before for before, after in itertools.pairwise(settled))


def show(found: dict[str, float], batch: int) -> None:
    """A table of them."""
    half = batch // 2
    table = Table("a step", "ms", "images/s", "times one process's")
    rate = batch / found["one"]
    rows = {"one": (f"one process, {batch} images", batch), "one, half": (f"one process, {half}", half)}
    rows |= {"strong": (f"two processes, {half} each", batch), "weak": (f"two processes, {batch} each", 2 * batch)}
    for name, (title, images) in rows.items():
        fast = images / found[name]
        table.add_row(title, f"{1000 * found[name]:,.1f}", f"{fast:,.0f}", f"{fast / rate:.2f}")
    for title, name in ((f"two processes, {half} each, by the model", "one, half"), (f"{batch} each", "one")):
        best = found[name] + max(0.0, found["sum"] - BACKWARDS * found[name])
        table.add_row(title, f"{1000 * best:,.1f}–{1000 * (found[name] + found['sum']):,.1f}", "", "")
    Console().print(table)
    memory = f"{found['peak'] / MIB:,.0f} MiB; {found['counted'] / MIB:,.0f} by facet.benchmarks.scaling"
    say(f"memory of one process, {batch} images: {memory}")
    say(f"an all-reduce of {found['bytes'] / MIB:,.1f} MiB alone: {1000 * found['sum']:,.1f} ms")


if __name__ == "__main__":
    main()
