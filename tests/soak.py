"""``python -m tests.soak steps=20000``: whether anything grows with the length of a run, but for what it logs (Linux).

Trains a tiny IFcVAE-GAN of so many steps with all that a long run has: W&B offline, validations, grids, checkpoints
after every epoch and, every few seconds, within one. Ends with 1 where something grew.
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
    *("data.resolution=16", "data.val_size=40", "data.test_size=40"),
    *(f"data.train_size={EPOCH * 16}", "data.batch_size=16", "networks.width=4", "networks.latent_dim=6"),
    *("trainer.precision=32-true", "trainer.check_val_every_n_epoch=5", "save_minutes=0.05", "callbacks.progress=null"),
)
FLAT = {"resident": 0.02, "beside": 0.05, "files": 0.0, "milliseconds": 0.25, "checkpoint": 0.02}
"""By what part of its value after a tenth of the run each may have grown at the end; steps hang on the machine, too."""


@dataclass(frozen=True)
class Sample:
    """What a run takes after some steps.

    Attributes:
        step: how many.
        resident: memory of its process, in MiB.
        beside: memory of the processes it has started (W&B's), in MiB.
        files: open in its process.
        milliseconds: of the CPU, per step since the sample before.
        checkpoint: size in KiB; 0 where there is none yet.
        logged: size of ``metrics.csv`` in KiB: the one thing that is to grow.
    """

    step: int
    resident: float
    beside: float
    files: int
    milliseconds: float
    checkpoint: float
    logged: float


class Watch(Callback):
    """Takes samples, and prints them.

    Args:
        every: so many steps.
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
    """In KiB; 0 of none."""
    return file.stat().st_size / 1024 if file.exists() else 0.0


def soak(directory: Path, steps: int) -> list[Sample]:
    """Train so many steps in a directory; what was seen of it."""
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
    """What has grown between a tenth of the run and its end, in words."""
    found = []
    first, last = samples[max(0, len(samples) // 10 - 1)], samples[-1]
    for name, allowed in FLAT.items():
        before, after = getattr(first, name), getattr(last, name)
        if after > (1 + allowed) * before:
            found.append(f"{name} grew from {before:,.1f} at step {first.step:,} to {after:,.1f} at {last.step:,}")
    return found


def main() -> None:
    """Print a table, and what grew."""
    steps = int(dict(word.split("=") for word in sys.argv[1:])["steps"])
    print("".join(f"{field.name:>14}" for field in fields(Sample)))
    with tempfile.TemporaryDirectory() as directory:
        found = grown(soak(Path(directory), steps))
    print("\n".join(found) or "flat")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
