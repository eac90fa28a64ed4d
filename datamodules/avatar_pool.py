"""Avatars drawn by several processes.

Each process is ``python -m datamodules.avatar_pool``: a request is a line of JSON on its standard input, the answer raw
pixels and labels on its standard output. ``multiprocessing`` won't do: a process it spawns runs the caller's script
again (which must then be guarded by ``__name__ == "__main__"``), and forking one that has loaded torch is unsafe.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from datamodules.avatar_drawing import draw_chunk
from datamodules.avatar_factors import ATTRIBUTES

Process = subprocess.Popen[bytes]


def draw_runs(runs: Sequence[range], workers: int, **settings: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw runs of positions, in order, by up to ``workers`` processes.

    Args:
        runs: of consecutive positions.
        workers: processes; with one, or with no more than two runs, this process draws.
        settings: for :func:`~datamodules.avatar_drawing.draw_chunk`.

    Yields:
        for each run, images ``[n, 3, r, r]`` uint8 and labels ``[n, k]`` int8.

    Raises:
        RuntimeError: a process ended before it had answered.
    """
    if workers == 1 or len(runs) <= 2:  # not worth starting processes for
        yield from (draw_chunk(run, **settings) for run in runs)
        return
    workers = min(workers, len(runs))
    with ExitStack() as stack:
        idle: SimpleQueue[Process] = SimpleQueue()
        for _ in range(workers):
            idle.put(stack.enter_context(_started()))
        threads = stack.enter_context(ThreadPoolExecutor(workers))

        def ask(run: range) -> tuple[np.ndarray, np.ndarray]:
            process = idle.get()
            try:
                return _ask(process, run, settings)
            finally:
                idle.put(process)

        yield from threads.map(ask, runs)


@contextmanager
def _started() -> Iterator[Process]:
    """A process that sees the packages this one sees, and no others that lie where it happens to run."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])
    command = [sys.executable, "-P", "-m", "datamodules.avatar_pool"]
    environment = {**os.environ, "PYTHONPATH": path}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert process.stdin
    assert process.stdout
    try:
        yield process
    finally:
        process.stdout.close()
        with suppress(BrokenPipeError):  # it may have ended with a request in the pipe
            process.stdin.close()  # ends it
        process.wait()


def _ask(process: Process, run: range, settings: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    assert process.stdin
    assert process.stdout
    shape = (len(run), 3, settings["resolution"], settings["resolution"])
    sizes = int(np.prod(shape)), len(run) * len(ATTRIBUTES)
    try:
        process.stdin.write(json.dumps({"indices": [run.start, run.stop], **settings}).encode() + b"\n")
        process.stdin.flush()
        images, labels = (process.stdout.read(size) for size in sizes)
    except BrokenPipeError:
        images = labels = b""
    if (len(images), len(labels)) != sizes:
        raise RuntimeError(f"a drawing process ended early, with status {process.wait()}; its own words are above")
    return np.frombuffer(images, np.uint8).reshape(shape), np.frombuffer(labels, np.int8).reshape(len(run), -1)


def _serve() -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes the pipes
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for line in sys.stdin:
        request = json.loads(line)
        images, labels = draw_chunk(range(*request.pop("indices")), **request)
        sys.stdout.buffer.write(images.tobytes() + labels.tobytes())
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve()
