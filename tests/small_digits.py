"""Ten classes of bars in the format of MNIST's four files."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

DIGITS = (  # overrides of a run on them that is small enough for tests
    *("data.val_size=40", "data.batch_size=20", "data.steps_per_batch=3", "data.workers=1", "logger=csv"),
    *("callbacks.progress=null", "callbacks.growth.max_units=4", "callbacks.growth.epochs=2"),
    *("trainer.precision=32-true", "model.network.widths=[32,16]"),
)


def draw_digits(root: Path) -> None:
    """Write 340 digits to train on and 120 to test on."""
    root.mkdir(parents=True, exist_ok=True)
    for name, size, seed in (("train", 340, 0), ("t10k", 120, 1)):
        rng = np.random.default_rng(seed)
        labels = np.arange(size, dtype=np.uint8) % 10
        images = np.zeros((size, 28, 28), np.uint8)
        for i, label in enumerate(labels):
            rows, columns = slice(2 + 2 * label, 6 + 2 * label), slice(4 + rng.integers(4), 20 + rng.integers(4))
            images[i, rows, columns] = rng.integers(150, 256)
        for kind, values in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)):
            head = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
            (root / f"{name}-{kind}.gz").write_bytes(gzip.compress(head + values.tobytes(), mtime=0))
