"""Worker processes that call a function for each of many jobs.

Each process is ``python -m datamodules.workers FUNCTION``. A job is a line of JSON on its standard input; the answer is
a line that describes arrays, followed by their bytes. ``multiprocessing`` is no alternative: a spawned process runs the
caller's script again, which must then be guarded by ``__name__ == "__main__"``, and forking a process that has loaded
torch is unsafe.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

Arrays = tuple[np.ndarray, ...]
Process = subprocess.Popen[bytes]
AHEAD = 2  # submitted jobs per process; few, because their answers wait in memory


def run_jobs(function: str, jobs: Sequence[Mapping[str, Any]], workers: int) -> Iterator[Arrays]:
    """Call a function for every job, by up to ``workers`` processes; the answers come in the jobs' order.

    Args:
        function: ``package.module:function``; it returns a tuple of arrays.
        jobs: keyword arguments of each call, as values that JSON can hold.
        workers: number of processes; with one, or with at most two jobs, this process does the work.

    Raises:
        ValueError: the function raised it, with this message.
        RuntimeError: a process ended without an answer.
    """
    if workers == 1 or len(jobs) <= 2:  # starting processes would take longer
        work = _find(function)
        yield from (work(**job) for job in jobs)
        return
    workers = min(workers, len(jobs))
    with ExitStack() as stack:
        idle: SimpleQueue[Process] = SimpleQueue()
        for _ in range(workers):
            idle.put(stack.enter_context(_started(function)))
        threads = stack.enter_context(ThreadPoolExecutor(workers))

        def ask(job: Mapping[str, Any]) -> Arrays:
            process = idle.get()
            try:
                return _ask(process, job)
            finally:
                idle.put(process)

        waiting: deque[Future[Arrays]] = deque()
        try:
            for job in jobs:
                waiting.append(threads.submit(ask, job))
                if len(waiting) > AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _find(function: str) -> Callable[..., Arrays]:
    module, name = function.split(":")
    found: Callable[..., Arrays] = getattr(importlib.import_module(module), name)
    return found


@contextmanager
def _started(function: str) -> Iterator[Process]:
    """Start a process with this one's import path, and without the working directory in it."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])
    command = [sys.executable, "-P", "-m", "datamodules.workers", function]
    environment = {**os.environ, "PYTHONPATH": path}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert process.stdin
    assert process.stdout
    try:
        yield process
    finally:
        process.stdout.close()
        with suppress(BrokenPipeError):  # the process may have ended before it read a job
            process.stdin.close()  # the process ends
        process.wait()


def _ask(process: Process, job: Mapping[str, Any]) -> Arrays:
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.flush()
        head = json.loads(process.stdout.readline())
        if "refused" in head:
            raise ValueError(head["refused"])
        answer = []
        for kind, shape in head["arrays"]:
            size = int(np.prod(shape)) * np.dtype(kind).itemsize
            content = process.stdout.read(size)
            if len(content) < size:
                raise BrokenPipeError
            answer.append(np.frombuffer(content, kind).reshape(shape))
    except (BrokenPipeError, json.JSONDecodeError):
        raise RuntimeError(
            f"a working process ended early, with status {process.wait()}; its own words are above"
        ) from None
    return tuple(answer)


def _serve(function: str) -> None:
    """Answer jobs until standard input is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C, the parent closes the pipes
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    work, out = _find(function), sys.stdout.buffer
    for line in sys.stdin:
        try:
            arrays = [np.ascontiguousarray(array) for array in work(**json.loads(line))]
        except ValueError as error:
            out.write(json.dumps({"refused": str(error)}).encode() + b"\n")
        else:
            head = {"arrays": [(array.dtype.str, array.shape) for array in arrays]}
            out.write(json.dumps(head).encode() + b"\n")
            for array in arrays:
                out.write(array.tobytes())
        out.flush()


if __name__ == "__main__":
    _serve(sys.argv[1])
