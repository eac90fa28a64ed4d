"""A packed store of noise, and ways to build it: at once, never, or slowly in another process."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from datamodules.building import Chunks
from datamodules.store import (
    PackedStore,
    open_or_build,
)

SHAPE = (10, 3, 8, 8)
DESCRIPTION = {"data": "noise", "sizes": [10, 3]}
IMAGES = np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)
LABELS = np.random.default_rng(1).integers(-1, 2, (10, 2), dtype=np.int8)

BUILD_SLOWLY = """
import sys, time, numpy as np
from pathlib import Path
from datamodules.store import open_or_build
path, log, seconds = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
def chunks(done):
    with log.open("a") as file:
        file.write("built\\n")
    print("started", flush=True)
    if not done[0]:
        yield 0, np.full((5, 1, 4, 4), 2, np.uint8), np.zeros((5, 1), np.int8)
        print("half", flush=True)
        time.sleep(seconds)
    yield 5, np.ones((5, 1, 4, 4), np.uint8), np.ones((5, 1), np.int8)
store = open_or_build(path, (10, 1, 4, 4), 1, {"data": "slow"}, chunks, lambda line: print(line, file=sys.stderr))
print(int(store.images.sum()), flush=True)
"""


def chunks(done: np.ndarray) -> Chunks:
    for start in (6, 0, 3):  # any order
        stop = min(start + (4 if start == 6 else 3), 10)
        yield start, IMAGES[start:stop], LABELS[start:stop]


def never(done: np.ndarray) -> Chunks:
    raise AssertionError("it is there: nothing to build")
    yield


def build(path: Path, chunks: Callable[[np.ndarray], Chunks] = chunks, lines: list[str] | None = None) -> PackedStore:
    return open_or_build(path, SHAPE, 2, DESCRIPTION, chunks, (lines if lines is not None else []).append)


def slowly(path: Path, log: Path, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", BUILD_SLOWLY, str(path), str(log), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root())


def root() -> Path:
    import datamodules

    return Path(str(datamodules.__file__)).parents[1]


def left(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir() if entry.suffix != ".lock")
