"""Every method's commands, in a process and a place of their own, that may be killed and started again."""

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

NO_NETWORKS = tuple(said for said in TINY if not said.startswith("networks."))
NO_STAGES = tuple(said for said in STAGED if not said.startswith(("model.", "callbacks.growth")))
METHODS: dict[str, tuple[str, str, tuple[str, ...]]] = {  # what is said to train it, a table with it, and settings
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
LEFT = 10.0  # seconds that processes may outlive the one that started them
HANGS = 600.0  # seconds


@dataclass
class Life:
    """A method's commands.

    Attributes:
        method: of :data:`METHODS`.
        place: the directory of all that they read and write.
        commands: of ``train``, ``evaluate`` and ``report``.
        settings: of the training, that change nothing of what comes out.
        data: where the data set is, if not in its place: one that lives share.
        kills: how often a process was killed in which part.
    """

    method: str
    place: Path
    commands: tuple[str, ...]
    settings: tuple[str, ...] = ()
    data: Path | None = None
    kills: Counter[str] = field(default_factory=Counter)

    @property
    def log(self) -> Path:
        """What the processes said."""
        return self.place.with_suffix(".log")

    def begin(self) -> None:
        """Make the files that are there before."""
        self.place.mkdir(parents=True)
        if METHODS[self.method][2] is DIGITS and not self._data.is_dir():
            draw_digits(self._data)

    @property
    def _data(self) -> Path:
        kind = "digits" if METHODS[self.method][2] is DIGITS else "avatars"
        return (self.data or self.place) / kind

    def run(self) -> None:
        """The commands, one after the other."""
        words, table, small = METHODS[self.method]
        said = [*small, "trainer.log_every_n_steps=1", f"data.root={self._data}"]
        if small is DIGITS:
            said += [f"data.store={self._data / 'store'}"]
        runs = f"runs={self.place / 'runs'}"
        run = facet.train.train(compose_config("train", [*words.split(), *said, runs, *self.settings]))
        if "evaluate" in self.commands:
            facet.evaluate.evaluate(compose_config("evaluate", [f"run={run}", "faces=4"]))
        if "report" in self.commands:
            overrides = "overrides=[" + ",".join(f'"{setting}"' for setting in said) + "]"
            more = [runs, f"reports={self.place / 'reports'}", "logger=csv", overrides]
            command.report(compose_config("report", [f"pages=[{table}]", *more]))

    def start(self, first: Callable[[], object]) -> int:
        """Run them in a process forked from this one, which does something ``first``; returns its number."""
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
            How it ended; a negative number: by that signal.

        Raises:
            TimeoutError: it hangs.
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
    """The command lines of processes that outlived the first one of their session for too long."""
    until = time.monotonic() + LEFT
    while (found := _of_session(session)) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def _of_session(session: int) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            state, _, _, its_session = (process / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found
