"""Watches the processes of one run: if one of them is gone, the others end soon, with a message."""

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

LAUNCHER = "FACET_LAUNCHER"  # environment variable: the id of the first process, which starts the others
PATIENCE = 20.0  # seconds that a process has to end by itself after another one is gone
AGAIN = "run the same command to continue from the last checkpoint"


@contextmanager
def together(trainer: Trainer) -> Iterator[None]:
    """Run a training whose processes all end when one of them ends.

    Gloo reports at once that another process is gone, NCCL only after half an hour. So the first process watches those
    that it has started, and they watch it (:func:`follow`).

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

    # Lightning's own observer kills this process, too, without a message
    subprocess_script._launch_process_observer = observer  # type: ignore[attr-defined, assignment]
    patience = 0.0  # after an error here, the others would wait in vain
    try:
        yield
        patience = PATIENCE
    except Exception as error:
        if not _of_the_network(error):
            raise
        raise ToldError(f"{_found_out(_started(trainer))}: {AGAIN}") from error
    except BaseException:  # a signal stops all processes, and they save together
        patience = PATIENCE
        raise
    finally:
        over.set()
        _see_off(_started(trainer), patience)


def follow() -> None:
    """End this process when the first process, which started it, is gone."""
    if launcher := os.environ.get(LAUNCHER):
        _watch(lambda: None if os.getppid() == int(launcher) else "the first process is gone", threading.Event())


def _started(trainer: Trainer) -> Sequence[Popen[Any]]:
    """The processes of the run that this one has started; empty if torchrun or SLURM starts them."""
    return getattr(trainer.strategy.launcher, "procs", [])


def _watch(gone: Callable[[], str | None], over: threading.Event, started: Sequence[Popen[Any]] = ()) -> None:
    """Check every second, in a thread, whether a process is gone; if so, end this one after ``PATIENCE`` seconds."""

    def watch() -> None:
        while not over.wait(1.0):
            if line := gone():
                if not over.wait(PATIENCE):
                    say(f"{line}: {AGAIN}", "red")
                    _see_off(started, 0)
                    os._exit(1)  # the training thread may wait for ever
                return

    threading.Thread(target=watch, daemon=True).start()


def _ended(started: Sequence[Popen[Any]]) -> str | None:
    """Which process has failed, in words; None if none has."""
    for number, process in enumerate(started, 1):
        if code := process.poll():
            how = f"was killed ({name(-code)})" if code < 0 else f"ended with {code}"
            return f"process {number} of the run {how}"
    return None


def _found_out(started: Sequence[Popen[Any]]) -> str:
    """Which process is gone, in words, after the network has reported it."""
    until = time.monotonic() + 3  # the system may report the exit later than the network
    while started and time.monotonic() < until:
        if line := _ended(started):
            return line
        time.sleep(0.05)
    return "another process of the run is gone"


def _of_the_network(error: Exception) -> bool:
    """Whether an error comes from the communication with another process."""
    import torch

    return isinstance(error, torch.distributed.DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error))


def _see_off(started: Sequence[Popen[Any]], patience: float) -> None:
    """Wait for processes to end; kill those that don't."""
    until = time.monotonic() + patience
    for process in started:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except TimeoutExpired:
            process.kill()
            process.wait()
