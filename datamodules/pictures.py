"""Image files into a store: decoded by several processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from datamodules.building import SKIPPED, Chunks
from datamodules.stored import runs
from datamodules.workers import run_jobs

VERSION = 1  # of the decoding: changes with anything that changes a pixel
CHUNK = 500  # images at most that a process decodes before it reports
CHUNK_BYTES = 2**23  # and bytes: several chunks wait in memory


def decoded(names: Sequence[str], labels: np.ndarray, done: np.ndarray, workers: int, **settings: Any) -> Chunks:
    """Decode what is not done of some images.

    Args:
        names: of all of them.
        labels: of all of them, ``[N, k]`` int8.
        done: ``[N]``.
        workers: processes.
        settings: what :func:`datamodules.photos.decode_run` takes besides the names.

    Raises:
        ValueError: an image that can't be decoded, unless ``on_corrupt="skip"`` leaves it out.
    """
    record = settings["channels"] * settings["resolution"] ** 2
    todo = runs(done, max(1, min(CHUNK, CHUNK_BYTES // record)))
    jobs = [{"names": list(names[run.start : run.stop]), **settings} for run in todo]
    for run, (images, good) in zip(todo, run_jobs("datamodules.photos:decode_run", jobs, workers), strict=True):
        some = labels[run.start : run.stop].copy()
        some[~good] = SKIPPED
        yield run.start, images, some
