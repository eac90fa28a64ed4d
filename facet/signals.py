"""Handles stop signals: SIGTERM from clusters, SIGUSR1 and SIGUSR2 from SLURM, Ctrl-C. A training finishes its step."""

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
    """Ends a command after a stop signal.

    Args:
        signum: the signal's number.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(name(signum))
        self.signum = signum

    @property
    def code(self) -> int:
        """The exit code that shells, make and clusters expect."""
        return 128 + self.signum


def name(signum: int) -> str:
    """The signal's name, such as ``SIGTERM``; ``Ctrl-C`` for SIGINT."""
    return "Ctrl-C" if signum == signal.SIGINT else signal.Signals(signum).name


def end(signum: int, frame: FrameType | None = None) -> NoReturn:
    """A handler that ends the command at once; context managers and ``finally`` clean up.

    Raises:
        Stopped: always.
    """
    raise Stopped(signum)


def take(handler: Handler, *signals: int) -> dict[int, Any]:
    """Set a handler for signals; returns the previous handlers. Does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():  # Python allows it only there
        return {}
    return {signum: signal.signal(signum, handler) for signum in signals}


@contextmanager
def handled(handler: Handler, *signals: int) -> Iterator[None]:
    """Set a handler for signals within a ``with`` block."""
    before = take(handler, *signals)
    try:
        yield
    finally:
        for signum, previous in before.items():
            signal.signal(signum, previous)


class Wish:
    """Remembers a stop signal until the training has saved. A second signal ends the command at once.

    Attributes:
        signum: the signal's number; None if none came.
        before: the handlers that it replaced.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self.before: dict[int, Any] = {}

    def listen(self, handler: Handler | None = None) -> None:
        """Remember signals from now on, or call another handler for them."""
        self.before |= take(handler or self.note, *ASKED)

    def give_back(self) -> None:
        """Restore the previous handlers."""
        while self.before:
            signal.signal(*self.before.popitem())

    def grant(self, signum: int) -> None:
        """Act on a signal after saving: call the previous handler (submitit's requeues the job), else end.

        Raises:
            Stopped: there was no previous handler.
        """
        self.signum = None
        handler = self.before.get(signum)
        if not callable(handler) or handler is signal.default_int_handler:
            end(signum)
        handler(signum, None)

    def note(self, signum: int, frame: FrameType | None = None) -> None:
        """The handler: remember the signal."""
        if self.signum is not None:
            end(signum)
        self.signum = signum
        # write to the terminal directly: the interrupted code may hold a lock that printing needs
        os.write(2, f"\n{name(signum)}: the run is saved at the end of this step, and stops\n".encode())
