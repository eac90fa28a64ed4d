"""A sweep of tiny runs whose workers are killed, and which goes on by the same command until all runs are finished.

``python -m tests.sweep n=200 workers=4 kills=4 launcher=joblib`` draws its data set and trains its judge by itself;
``launcher=submitit_local`` takes so many jobs at a time, ``launcher=ray`` needs Ray (``facet-lab[sweep]``). While it
goes on, a process in the middle of a training gets SIGKILL, ``kills`` times in all. In the end every run has to be
finished, none trained twice, each store and the judge made once; what isn't so is listed, and the exit code is 1.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from noting import Note, notes
from tiny import TINY

from facet.runs import Run

ROOT = Path(__file__).parents[1]
BATCHES = 18  # of a tiny run
SMALL = "model.auxiliary.width=16"  # else its checkpoints are all of A
LAUNCHERS = {
    "joblib": "hydra.launcher.n_jobs={}",
    "submitit_local": "hydra.sweeper.max_batch_size={}",
    "ray": "+hydra.launcher.ray.init.num_cpus={}",
}


@dataclass
class Sweep:
    """A sweep over seeds, and what became of it.

    Attributes:
        place: the directory of all that it reads and writes.
        n: how many runs.
        workers: how many at a time.
        kills: how many processes are killed in the middle of a training.
        launcher: of :data:`LAUNCHERS`.
        codes: how the commands ended.
        killed: how many processes were.
        interrupted: the runs that a command was in the middle of when it ended, or a process when it was killed.
    """

    place: Path
    n: int
    workers: int
    kills: int
    launcher: str
    codes: list[int] = field(default_factory=list)
    killed: int = 0
    interrupted: set[str] = field(default_factory=set)

    @property
    def notes(self) -> list[Note]:
        """What its processes did."""
        return notes(self.place / "notes")

    @property
    def command(self) -> list[str]:
        """As one would type it."""
        noting = ["+callbacks.noting._target_=noting.Noting", f"+callbacks.noting.path={self.place / 'notes'}"]
        where = [f"data.root={self.place / 'data'}", f"runs={self.place / 'runs'}", "allow=[noting]"]
        how = [f"hydra/launcher={self.launcher}", LAUNCHERS[self.launcher].format(self.workers)]
        sweep = ["-m", f"seed=range({self.n})"]
        return [sys.executable, "-m", "facet.train", *sweep, *TINY, SMALL, *where, *noting, *how]

    def go_on(self) -> None:
        """The command, again and again until it ends well: once for every kill, where a kill ends it.

        Raises:
            RuntimeError: it ends otherwise without one, in its own words.
        """
        paths = os.pathsep.join(filter(None, [str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH")]))
        own = {"PYTHONPATH": paths, "FACET_CACHE": str(self.place / "cache"), "OMP_NUM_THREADS": "1"}
        environment = {**os.environ, **own, "RAY_AUTH_MODE": "disabled"}  # Ray would leave a token in the user's home
        while not self.codes or self.codes[-1]:
            before, killed = len(self.notes), self.killed
            with (self.place / "said").open("a") as said:
                process = subprocess.Popen(self.command, cwd=self.place, env=environment, stdout=said, stderr=said)
                while process.poll() is None:
                    self._kill(before)
                    time.sleep(0.05)
            self.codes.append(process.returncode)
            _wait_for({note.process for note in self.notes[before:]})
            self.interrupted |= {note.of for note in self._in_the_middle(before)}
            if process.returncode and self.killed == killed:
                raise RuntimeError((self.place / "said").read_text()[-3000:])

    def _kill(self, before: int) -> None:
        """Kill a process that trains, whenever its turn has come: they are spread evenly over the sweep."""
        if self.killed == self.kills:
            return
        ended = sum(note.what == "ends" for note in self.notes)
        training = self._in_the_middle(before)
        if training and ended >= (self.killed + 1) * self.n / (self.kills + 1):
            self.interrupted.add(training[0].of)
            os.kill(training[0].process, signal.SIGKILL)
            self.killed += 1

    def _in_the_middle(self, before: int) -> list[Note]:
        """The last batches of the runs that have not ended, of the notes since one."""
        last = {note.of: note for note in self.notes[before:] if note.what in ("begins", "batch", "ends")}
        return [note for note in last.values() if note.what == "batch"]

    # ------------------------------------------------------------------ what came of it

    def faults(self) -> Iterator[str]:
        """What isn't as it should be, in words."""
        runs = [Run(file.parent) for file in (self.place / "runs").rglob("status.json")]
        if len(runs) != self.n or any(run.status != "finished" for run in runs):
            yield f"{sum(run.status == 'finished' for run in runs)} of {self.n} runs are finished"
        made = Counter(note.of for note in self.notes if note.what in ("store", "judge"))
        if made != dict.fromkeys(made, 1) or len(made) != 4:  # a store for each of three splits
            yield f"stores and judges were made: {dict(made)}"
        batches = Counter(note.of for note in self.notes if note.what == "batch")
        for run, count in batches.items():
            if count != BATCHES and run not in self.interrupted:
                yield f"{run} was trained for {count} batches and never interrupted"
            elif count > BATCHES * (1 + self.killed):
                yield f"{run} was trained for {count} batches"

    def seconds(self) -> dict[str, list[float]]:
        """Of a processor, for each run: before its first batch, in a process of its own or after another; training."""
        found: dict[str, list[float]] = {"new": [], "again": [], "training": []}
        since: dict[int, float] = {}
        begun: dict[str, float] = {}
        for note in self.notes:
            if note.what == "begins":
                found["again" if note.process in since else "new"].append(note.seconds - since.get(note.process, 0.0))
                begun[note.of] = note.seconds
            elif note.what == "ends":
                found["training"].append(note.seconds - begun[note.of])
                since[note.process] = note.seconds
        return found

    def files(self) -> Iterator[list[int]]:
        """Of each run, the sizes of the files in its directory, in bytes."""
        for status in (self.place / "runs").rglob("status.json"):
            yield [file.stat().st_size for file in status.parent.rglob("*") if file.is_file()]

    def report(self) -> str:
        """What it took."""
        batches = sum(note.what == "batch" for note in self.notes) - self.n * BATCHES
        of_runs, files = self.seconds(), list(self.files())
        medians = {name: f"{statistics.median(each):.1f}" if each else "–" for name, each in of_runs.items()}
        return "\n".join(
            [
                f"{self.launcher}: {self.n} runs, {self.workers} at a time, {self.killed} processes killed",
                f"commands ended with {', '.join(map(str, self.codes))}",
                f"runs interrupted {len(self.interrupted)}, batches trained again {batches} of {self.n * BATCHES}",
                f"processor seconds of a run: {medians['training']}; before it {medians['new']} in a process of its "
                f"own, {medians['again']} after another run",
                f"left by a run: {statistics.median(map(len, files)):.0f} files, "
                f"{statistics.median(map(sum, files)) / 1024:,.0f} KiB",
            ]
        )


def _wait_for(processes: set[int]) -> None:
    """Until jobs have ended that outlive the command, as a cluster's do."""
    while any(map(_lives, processes)):
        time.sleep(0.05)


def _lives(process: int) -> bool:
    """Whether it hasn't ended; of one that has, and that nobody asked for, there is no command line."""
    try:
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except OSError:
        return False


def main() -> None:
    """The command."""
    said = {"n": "200", "workers": "4", "kills": "4", "launcher": "joblib"}
    said |= dict(argument.split("=", 1) for argument in sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="facet-sweep-") as directory:
        sweep = Sweep(Path(directory), int(said["n"]), int(said["workers"]), int(said["kills"]), said["launcher"])
        begun = time.monotonic()
        sweep.go_on()
        faults = list(sweep.faults())
        print(f"{sweep.report()}\nseconds {time.monotonic() - begun:,.0f}")
    print("\n".join(faults) or "all finished, none trained twice, each store and the judge made once")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
