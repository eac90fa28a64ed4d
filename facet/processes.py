"""The processes of one run: where one of them is gone the others end too, soon and with a word of it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from subprocess import Popen, TimeoutExpired
from typing import TYPE_CHECKING, Any

from facet.commands import say
from facet.errors import ToldError
from facet.signals import name

if TYPE_CHECKING:
    from pytorch_lightning import Trainer

LAUNCHER = "FACET_LAUNCHER"  # in the environment: the process id of the first, which starts the others
PATIENCE = 20.0  # seconds in which a process ends by itself when another one is gone
AGAIN = "the same command goes on from the last checkpoint"


@contextmanager
def together(trainer: Trainer) -> Iterator[None]:
    """A training that ends in one process ends in all of them.

    Who waits for a process that is gone learns of it from gloo at once, from NCCL after half an hour: the first looks
    after those that it has started, and they after it (:func:`follow`).

    Raises:
        ToldError: another process is gone.
    """
    if trainer.world_size == 1:
        yield
        return
    from pytorch_lightning.strategies.launchers import subprocess_script

    over = threading.Event()
    if not trainer.global_rank:
        os.environ[LAUNCHER] = str(os.getpid())

    def observer(started: Sequence[Popen[Any]]) -> None:
        _watch(lambda: _ended(started), over, started)

    # Lightning's own kills this process, too, without a word
    subprocess_script._launch_process_observer = observer  # type: ignore[attr-defined, assignment]
    patience = 0.0  # with an error here, the others wait for nothing
    try:
        yield
        patience = PATIENCE
    except Exception as error:
        if not _of_the_network(error):
            raise
        raise ToldError(f"{_found_out(_started(trainer))}: {AGAIN}") from error
    except BaseException:  # all are asked to stop, and save together
        patience = PATIENCE
        raise
    finally:
        over.set()
        _see_off(_started(trainer), patience)


def follow() -> None:
    """Let this process end when the first, which has started it, is gone."""
    if launcher := os.environ.get(LAUNCHER):
        _watch(lambda: None if os.getppid() == int(launcher) else "the first process is gone", threading.Event())


def _started(trainer: Trainer) -> Sequence[Popen[Any]]:
    """The processes that this one has started to train with it; none where torchrun or SLURM does."""
    return getattr(trainer.strategy.launcher, "procs", [])


def _watch(gone: Callable[[], str | None], over: threading.Event, started: Sequence[Popen[Any]] = ()) -> None:
    """Look every second whether a process is gone; then this one is given some time, and ended."""

    def look() -> None:
        while not over.wait(1.0):
            if line := gone():
                if not over.wait(PATIENCE):
                    say(f"{line}: {AGAIN}", "red")
                    _see_off(started, 0)
                    os._exit(1)  # the thread that trains may wait for ever
                return

    threading.Thread(target=look, daemon=True).start()


def _ended(started: Sequence[Popen[Any]]) -> str | None:
    """Which process has failed, in words."""
    for number, process in enumerate(started, 1):
        if code := process.poll():
            how = f"was killed ({name(-code)})" if code < 0 else f"ended with {code}"
            return f"process {number} of the run {how}"
    return None


def _found_out(started: Sequence[Popen[Any]]) -> str:
    """The same, when the network knows of it already: the system may be a moment behind."""
    until = time.monotonic() + 3
    while started and time.monotonic() < until:
        if line := _ended(started):
            return line
        time.sleep(0.05)
    return "another process of the run is gone"


def _of_the_network(error: Exception) -> bool:
    """Whether an error is of talking to another process."""
    import torch

    return isinstance(error, torch.distributed.DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error))


def _see_off(started: Sequence[Popen[Any]], patience: float) -> None:
    """Wait for processes to end, and end those that don't."""
    until = time.monotonic() + patience
    for process in started:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except TimeoutExpired:
            process.kill()
            process.wait()
