"""``python -m facet.benchmarks.processes facet-train … trainer=ddp``: times a step in one process and in two.

It runs on CPUs with one thread per process, on made-up images. One process takes the whole batch and half of it; two
processes share it (strong scaling) or take a whole batch each (weak scaling). An all-reduce of the gradients is timed
alone, as the input for the model of ``several_gpus.py``, whose prediction is shown too. It needs two idle cores.
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
        one = {} if os.environ.get("LOCAL_RANK") else of_one(config)  # the second process only takes part in of_two
        two = of_two(config)
    except Stopped as stopped:
        sys.exit(stopped.code)
    except Exception as error:
        sys.exit(report("train", error, "facet.benchmarks.processes"))
    if one:
        show(one | two, config.data.batch_size)


def of_one(config: DictConfig) -> dict[str, float]:
    """Median seconds of a step in one process, with the whole batch and with half of it.

    Also the peak memory in bytes, as measured and as counted by ``scaling.py``.
    """
    import torch

    from facet.benchmarks.peak import with_peak
    from facet.benchmarks.steps_on_noise import FEW, memory

    batch = config.data.batch_size
    step(config, 1, FEW)  # imports modules, so that their memory is not counted
    counted = memory(config, 0, batch, several=False).bytes
    seconds, peak = with_peak(lambda: step(config, 1, batch), torch.device("cpu"))
    return {"one": seconds, "one, half": step(config, 1, batch // 2), "counted": counted, "peak": peak or 0}


def of_two(config: DictConfig) -> dict[str, float]:
    """Median seconds of a step in two processes and of an all-reduce of its gradients, and the gradients' bytes."""
    import torch

    batch = config.data.batch_size
    seconds = {"strong": step(config, 2, batch // 2), "weak": step(config, 2, batch)}
    from facet.benchmarks.steps_on_noise import model_of

    numbers = sum(p.numel() for p in model_of(config, 0).parameters() if p.requires_grad)
    gradients, taken = torch.zeros(numbers), []
    for _ in range(SUMS):
        begun = time.perf_counter()
        torch.distributed.all_reduce(gradients)
        taken.append(time.perf_counter() - begun)
    return {**seconds, "sum": statistics.median(taken), "bytes": 4.0 * numbers}


def step(config: DictConfig, processes: int, images: int) -> float:
    """Median seconds of a run's step with so many images in each process."""
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
    """Print the measurements as a table, beside the model's predictions."""
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
