"""The lower bound ("floor") of a step's time: its matrix products and convolutions at the rate of a matrix product.

The operations of the forward and backward passes are counted while they run, a multiplication with an addition as two.
Everything else (batch norms, optimisers, losses, data) costs nothing in the bound, so no step reaches it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from pytorch_lightning import Callback
from torch.utils.flop_counter import FlopCounterMode

from facet.benchmarks.timing import wait

SIDES = {"cpu": 1024, "cuda": 8192}  # of the matrices: large enough for the full rate and for a timing
SECONDS = 0.25
TYPES = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16, "64-true": torch.float64}  # otherwise float32


def milliseconds(flops: float, rate: float) -> float:
    """Milliseconds that operations take at a rate in operations per second."""
    return 1000 * flops / rate


def product_rate(device: torch.device, precision: str) -> float:
    """Median operations per second of a matrix product.

    Args:
        device: on which it runs.
        precision: in Lightning's name; float32 on a GPU is TF32 if convolutions use that.
    """
    side = SIDES[device.type]
    one, other = (torch.randn(side, side, device=device).to(TYPES.get(precision, torch.float32)) for _ in range(2))
    before, torch.backends.cuda.matmul.allow_tf32 = (
        torch.backends.cuda.matmul.allow_tf32,
        torch.backends.cudnn.allow_tf32,
    )
    times: list[float] = []
    try:
        one @ other
        while sum(times) < SECONDS or len(times) < 3:
            wait()
            start = time.perf_counter()
            one @ other
            wait()
            times.append(time.perf_counter() - start)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
    return 2.0 * side**3 / statistics.median(times)


def flops_of(step: Callable[[], object]) -> int:
    """Operations of a call, including its backward passes."""
    with counter() as counted:
        step()
    return int(counted.get_total_flops())


def counter() -> Any:
    """A mode that counts the operations within it."""
    mode: Any = FlopCounterMode(display=False)
    mode.mod_tracker = _NoTracker()  # counts by module are not needed, and the tracker fails with autograd.grad
    return mode


class _NoTracker:
    parents = frozenset({"Global"})

    def __enter__(self) -> None:
        pass

    def __exit__(self, *args: object) -> None:
        pass


class Flops(Callback):
    """Counts the operations of a training's first batches, then ends the training.

    Args:
        batches: number of batches.

    Attributes:
        total: operations of all these batches.
    """

    def __init__(self, batches: int) -> None:
        self.batches, self.total, self.seen = batches, 0, 0
        self.counter, self.within = counter(), ExitStack()

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self.within.enter_context(self.counter)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self.within.close()  # else all that follows in this process is counted, and slower

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.within.close()
        self.total += int(self.counter.get_total_flops())
        self.seen += 1
        trainer.should_stop = self.seen == self.batches
