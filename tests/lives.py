"""Every method's commands, in a process and a directory of their own, which may be killed and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from moments import Moment, now_at
from small_digits import DIGITS, draw_digits
from tiny import STAGED, TINY

import facet.evaluate
import facet.train
from facet.configuration import compose_config
from facet.report import command

NO_NETWORKS = tuple(override for override in TINY if not override.startswith("networks."))
NO_STAGES = tuple(override for override in STAGED if not override.startswith(("model.", "callbacks.growth")))
METHODS: dict[str, tuple[str, str, tuple[str, ...]]] = {  # overrides, a page with it, and settings
    "ours": ("", "table1", TINY),
    "best": ("ablation=erasure", "table1", TINY),  # with averaged weights
    "icgan": ("model=icgan", "table1", TINY),
    "residual": ("networks.kind=residual", "table3", TINY),
    "cvae_gan": ("model=cvae_gan networks.kind=residual", "table3", TINY),
    "fader": ("model=fader networks.kind=residual", "compare", TINY),
    "dip_vae": ("experiment=aif/dip_vae", "aif-figure7", TINY),
    "beta_vae": ("experiment=aif/beta_vae", "aif-figure7", TINY),
    "classifier": ("model=classifier attribute_set=ten", "aif-figure2", NO_NETWORKS),
    "chain": ("model=jacsup_digits", "jacsup-figure1", DIGITS),
    "control": ("model=jacsup_digits ablation=no_jacobian", "jacsup-figure1", DIGITS),
    "scratch": ("model=jacsup_digits ablation=from_scratch", "jacsup-figure1", DIGITS),
    "student": ("model=jacsup_faces", "jacsup-figure4", STAGED),
    "faces_control": ("model=jacsup_faces ablation=as_the_teacher", "compare", STAGED),
    "faces_fader": ("experiment=jacsup/fader", "jacsup-table1", NO_STAGES),
}
LEFT = 10.0  # seconds by which processes may outlive the one that started them
HANGS = 600.0  # seconds after which a process counts as hanging


@dataclass
class Life:
    """A method's commands.

    Attributes:
        method: of :data:`METHODS`.
        place: the directory of all files.
        commands: of ``train``, ``evaluate`` and ``report``.
        settings: of the training, which do not change the results.
        data: directory of a shared data set; in ``place`` if None.
        kills: number of kills by part.
    """

    method: str
    place: Path
    commands: tuple[str, ...]
    settings: tuple[str, ...] = ()
    data: Path | None = None
    kills: Counter[str] = field(default_factory=Counter)

    @property
    def log(self) -> Path:
        """The output of the processes."""
        return self.place.with_suffix(".log")

    def begin(self) -> None:
        """Make the files that the commands need."""
        self.place.mkdir(parents=True)
        if METHODS[self.method][2] is DIGITS and not self._data.is_dir():
            draw_digits(self._data)

    @property
    def _data(self) -> Path:
        kind = "digits" if METHODS[self.method][2] is DIGITS else "avatars"
        return (self.data or self.place) / kind

    def run(self) -> None:
        """Run the commands one after the other."""
        words, table, small = METHODS[self.method]
        settings = [*small, "trainer.log_every_n_steps=1", f"data.root={self._data}"]
        if small is DIGITS:
            settings += [f"data.store={self._data / 'store'}"]
        runs = f"runs={self.place / 'runs'}"
        run = facet.train.train(compose_config("train", [*words.split(), *settings, runs, *self.settings]))
        if "evaluate" in self.commands:
            facet.evaluate.evaluate(compose_config("evaluate", [f"run={run}", "faces=4"]))
        if "report" in self.commands:
            overrides = "overrides=[" + ",".join(f'"{setting}"' for setting in settings) + "]"
            more = [runs, f"reports={self.place / 'reports'}", "logger=csv", overrides]
            command.report(compose_config("report", [f"pages=[{table}]", *more]))

    def start(self, first: Callable[[], object]) -> int:
        """Run the commands in a forked process, which calls ``first`` before; returns the process's number."""
        if process := os.fork():
            return process
        code = 1
        try:
            os.setsid()
            out = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(out, 1)
            os.dup2(out, 2)
            first()
            self.run()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def end(self, process: int, moment: Moment) -> int:
        """Wait for a process, and kill it when the moment has come.

        Returns:
            The exit code; negative: the number of the signal that ended the process.

        Raises:
            TimeoutError: the process hangs.
        """
        begun = time.monotonic()
        since = None if moment.part else begun
        while True:
            found, status = os.waitpid(process, os.WNOHANG)
            if found:
                return os.waitstatus_to_exitcode(status)
            now = time.monotonic()
            if since is None and now_at() == moment.part:
                since = now
            if since is not None and moment.seconds is not None and now > since + moment.seconds:
                os.kill(process, signal.SIGKILL)
            if now > begun + HANGS:
                os.kill(process, signal.SIGKILL)
                raise TimeoutError(f"{self.method} hangs at {now_at()}: {self.log}")
            time.sleep(0.001)


def left_running(session: int) -> list[str]:
    """The command lines of processes that outlive the first process of their session by more than ``LEFT``."""
    until = time.monotonic() + LEFT
    while (found := _of_session(session)) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def _of_session(session: int) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # the process has ended
            state, _, _, its_session = (process / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found
