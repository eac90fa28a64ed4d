"""The floor under a step: what its products and convolutions would take at the rate of a matrix product.

What is counted is what runs: a multiplication with an addition as two operations, forwards and backwards. What no
product is (batch norms, optimisers, losses, data) costs nothing on the floor, so that no step reaches it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from pytorch_lightning import Callback
from torch.utils.flop_counter import FlopCounterMode

from facet.benchmarks.timing import wait

SIDES = {"cpu": 1024, "cuda": 8192}  # of the matrices: as fast as others, and a product takes long enough to be timed
SECONDS = 0.25
TYPES = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16, "64-true": torch.float64}  # else float32


def milliseconds(flops: float, rate: float) -> float:
    """That so many operations take at a rate, in operations per second."""
    return 1000 * flops / rate


def product_rate(device: torch.device, precision: str) -> float:
    """Operations per second of a matrix product, a median.

    Args:
        device: where.
        precision: as Lightning names it; float32 on a GPU is TF32 where convolutions take that.
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
    """Operations of a call, backward passes in it included."""
    with counter() as counted:
        step()
    return int(counted.get_total_flops())


def counter() -> Any:
    """Counts what runs within it."""
    made: Any = FlopCounterMode(display=False)
    made.mod_tracker = _Anywhere()  # which module it was is not asked, and the tracker bears no autograd.grad
    return made


class _Anywhere:
    parents = frozenset({"Global"})

    def __enter__(self) -> None:
        pass

    def __exit__(self, *args: object) -> None:
        pass


class Flops(Callback):
    """Counts the operations of a training's first batches, then ends it.

    Args:
        batches: how many.

    Attributes:
        total: operations of all of them.
    """

    def __init__(self, batches: int) -> None:
        self.batches, self.total, self.seen = batches, 0, 0
        self.counter = counter()

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self.counter.__enter__()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.counter.__exit__(None, None, None)
        self.total += int(self.counter.get_total_flops())
        self.seen += 1
        trainer.should_stop = self.seen == self.batches
