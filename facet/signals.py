"""Being asked to stop (SIGTERM of a cluster, SIGUSR1 and 2 of SLURM, Ctrl-C): in training, at the end of the step."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

Handler = Callable[[int, FrameType | None], None]
CLUSTERS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
ASKED = (*CLUSTERS, signal.SIGINT)


class Stopped(BaseException):
    """Ends a command that was asked to stop.

    Args:
        signum: by which.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(name(signum))
        self.signum = signum

    @property
    def code(self) -> int:
        """The exit code that shells, make and clusters know."""
        return 128 + self.signum


def name(signum: int) -> str:
    """``SIGTERM``; Ctrl-C by the name that people know."""
    return "Ctrl-C" if signum == signal.SIGINT else signal.Signals(signum).name


def end(signum: int, frame: FrameType | None = None) -> NoReturn:
    """A handler: the command ends, whatever it is doing, and what is half done is undone on the way.

    Raises:
        Stopped: always.
    """
    raise Stopped(signum)


def take(handler: Handler, *signals: int) -> dict[int, Any]:
    """Set a handler for signals and return theirs; nothing but in the main thread, which alone may."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {signum: signal.signal(signum, handler) for signum in signals}


@contextmanager
def handled(handler: Handler, *signals: int) -> Iterator[None]:
    """Within it, signals have a handler."""
    before = take(handler, *signals)
    try:
        yield
    finally:
        for signum, was in before.items():
            signal.signal(signum, was)


class Wish:
    """Notes that a training is asked to stop. Whoever is asked twice stops at once.

    Attributes:
        signum: by which; None until then.
        before: the handlers that it took the place of.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self.before: dict[int, Any] = {}

    def listen(self, handler: Handler | None = None) -> None:
        """Note signals from now on, or do something else."""
        self.before |= take(handler or self.note, *ASKED)

    def give_back(self) -> None:
        """Let those handle signals that did before."""
        while self.before:
            signal.signal(*self.before.popitem())

    def grant(self, signum: int) -> None:
        """Hand a signal on, now that all is saved: to whoever handled it before (submitit requeues), else end.

        Raises:
            Stopped: nobody else did.
        """
        self.signum = None
        handler = self.before.get(signum)
        if not callable(handler) or handler is signal.default_int_handler:
            end(signum)
        handler(signum, None)

    def note(self, signum: int, frame: FrameType | None = None) -> None:
        """The handler."""
        if self.signum is not None:
            end(signum)
        self.signum = signum
        # straight to the terminal: the code that is interrupted may hold a lock of whoever prints
        os.write(2, f"\n{name(signum)}: the run is saved at the end of this step, and stops\n".encode())
