"""``python -m tests.soak steps=20000``: checks that only a run's logs grow with its length (Linux).

Trains a tiny IFcVAE-GAN for so many steps with everything that a long run has: W&B offline, validations, grids, and
checkpoints after every epoch and every few seconds within one. The exit code is 1 if anything else grew.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback

from facet import build
from facet.benchmarks.memory import tree
from facet.configuration import compose_config
from facet.train import train

EPOCH = 100  # steps
SAMPLES = 20
SETTINGS = (
    *("data.resolution=16", "data.val_size=40", "data.test_size=40", "data.images_per_epoch=null"),
    *(f"data.train_size={EPOCH * 16}", "data.batch_size=16", "networks.width=4", "networks.latent_dim=6"),
    *("trainer.precision=32-true", "trainer.check_val_every_n_epoch=5", "save_minutes=0.05", "callbacks.progress=null"),
)
FLAT = {"resident": 0.02, "beside": 0.05, "files": 0.0, "milliseconds": 0.25, "checkpoint": 0.02}
"""Largest relative growth of each value between a tenth of the run and its end; step times vary with the machine."""


@dataclass(frozen=True)
class Sample:
    """The resources of a run after some steps.

    Attributes:
        step: number of steps.
        resident: memory of its process, in MiB.
        beside: memory of the processes that it has started (W&B's), in MiB.
        files: number of files open in its process.
        milliseconds: processor time per step since the last sample.
        checkpoint: size in KiB; 0 if there is none yet.
        logged: size of ``metrics.csv`` in KiB, which may grow.
    """

    step: int
    resident: float
    beside: float
    files: int
    milliseconds: float
    checkpoint: float
    logged: float


class Watch(Callback):
    """Takes samples and prints them.

    Args:
        every: number of steps between samples.
        run: the run directory.
    """

    def __init__(self, every: int, run: Path) -> None:
        self.every, self.run = every, run
        self.samples: list[Sample] = []
        self.spent = 0.0

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        step = trainer.fit_loop.epoch_loop.total_batch_idx + 1
        if step % self.every:
            return
        before, self.spent = self.spent, time.process_time()
        own, *others = [resident(pid) for pid in tree(os.getpid())]
        files, each = len(os.listdir("/proc/self/fd")), 1000 * (self.spent - before) / self.every
        sizes = [size(self.run / name) for name in ("checkpoints/last.ckpt", "metrics.csv")]
        self.samples.append(Sample(step, own, sum(others), files, each, *sizes))
        print("".join(f"{value:>14,.1f}" for value in astuple(self.samples[-1])), flush=True)


def resident(pid: int) -> float:
    """A process's resident memory in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def size(file: Path) -> float:
    """Size of a file in KiB; 0 if it does not exist."""
    return file.stat().st_size / 1024 if file.exists() else 0.0


def soak(directory: Path, steps: int) -> list[Sample]:
    """Train so many steps in a directory; returns the samples."""
    where = [f"trainer.max_epochs={steps // EPOCH}", f"run_dir={directory}/run", f"data.root={directory}/data"]
    watch = Watch(steps // SAMPLES, directory / "run")
    made = build.build

    def watched(*given: Any) -> build.Parts:
        parts = made(*given)
        parts.callbacks.append(watch)
        return parts

    build.build = watched
    try:
        train(compose_config("train", [*SETTINGS, *where]))
    finally:
        build.build = made
    return watch.samples


def grown(samples: Sequence[Sample]) -> list[str]:
    """A message for each value that has grown between a tenth of the run and its end."""
    messages = []
    first, last = samples[max(0, len(samples) // 10 - 1)], samples[-1]
    for name, allowed in FLAT.items():
        before, after = getattr(first, name), getattr(last, name)
        if name == "milliseconds":  # the least of a third of the run: another process slows single samples
            third = -(-len(samples) // 3)
            before, after = (min(one.milliseconds for one in part) for part in (samples[:third], samples[-third:]))
        if after > (1 + allowed) * before:
            messages.append(f"{name} grew from {before:,.1f} at step {first.step:,} to {after:,.1f} at {last.step:,}")
    return messages


def main() -> None:
    """Print a table of samples, and the values that have grown."""
    steps = int(dict(word.split("=") for word in sys.argv[1:])["steps"])
    print("".join(f"{field.name:>14}" for field in fields(Sample)))
    with tempfile.TemporaryDirectory() as directory:
        found = grown(soak(Path(directory), steps))
    print("\n".join(found) or "flat")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
