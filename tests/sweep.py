"""A sweep of tiny runs whose workers are killed, and which the same command resumes until all runs are finished.

``python -m tests.sweep n=200 workers=4 kills=4 launcher=joblib`` draws its data set and trains its judge.
``launcher=submitit_local`` takes so many jobs at a time; ``launcher=ray`` needs Ray (``facet-lab[sweep]``). During the
sweep, processes that are training get SIGKILL, ``kills`` times in all. In the end every run must be finished, none
trained twice, and each store and the judge made once. Faults are listed, and the exit code is 1 if there are any.
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
SMALL = "model.auxiliary.width=16"  # otherwise A takes most of a checkpoint
LAUNCHERS = {
    "joblib": "hydra.launcher.n_jobs={}",
    "submitit_local": "hydra.sweeper.max_batch_size={}",
    "ray": "+hydra.launcher.ray.init.num_cpus={}",
}


@dataclass
class Sweep:
    """A sweep over seeds, and its outcome.

    Attributes:
        place: the directory of all files.
        n: number of runs.
        workers: number of runs at a time.
        kills: number of processes to kill while they train.
        launcher: of :data:`LAUNCHERS`.
        codes: exit codes of the commands.
        killed: number of processes that were killed.
        interrupted: the runs that were training when their command ended or their process was killed.
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
        """The notes of its processes."""
        return notes(self.place / "notes")

    @property
    def command(self) -> list[str]:
        """The command line."""
        noting = ["+callbacks.noting._target_=noting.Noting", f"+callbacks.noting.path={self.place / 'notes'}"]
        where = [f"data.root={self.place / 'data'}", f"runs={self.place / 'runs'}", "allow=[noting]"]
        how = [f"hydra/launcher={self.launcher}", LAUNCHERS[self.launcher].format(self.workers)]
        sweep = ["-m", f"seed=range({self.n})"]
        return [sys.executable, "-m", "facet.train", *sweep, *TINY, SMALL, *where, *noting, *how]

    def go_on(self) -> None:
        """Run the command until it succeeds; a kill may end it.

        Raises:
            RuntimeError: the command failed without a kill; the message is its output.
        """
        paths = os.pathsep.join(filter(None, [str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH")]))
        own = {"PYTHONPATH": paths, "FACET_CACHE": str(self.place / "cache"), "OMP_NUM_THREADS": "1"}
        environment = {**os.environ, **own, "RAY_AUTH_MODE": "disabled"}  # Ray would leave a token in the user's home
        while not self.codes or self.codes[-1]:
            before, killed = len(self.notes), self.killed
            with (self.place / "output").open("a") as output:
                process = subprocess.Popen(self.command, cwd=self.place, env=environment, stdout=output, stderr=output)
                while process.poll() is None:
                    self._kill(before)
                    time.sleep(0.05)
            self.codes.append(process.returncode)
            _wait_for({note.process for note in self.notes[before:]})
            self.interrupted |= {note.of for note in self._in_the_middle(before)}
            if process.returncode and self.killed == killed:
                raise RuntimeError((self.place / "output").read_text()[-3000:])

    def _kill(self, before: int) -> None:
        """Kill a process that is training, if the next kill is due; kills are spread evenly over the sweep."""
        if self.killed == self.kills:
            return
        ended = sum(note.what == "ends" for note in self.notes)
        training = self._in_the_middle(before)
        if training and ended >= (self.killed + 1) * self.n / (self.kills + 1):
            self.interrupted.add(training[0].of)
            os.kill(training[0].process, signal.SIGKILL)
            self.killed += 1

    def _in_the_middle(self, before: int) -> list[Note]:
        """The last notes of the runs that are training, among the notes from number ``before`` on."""
        last = {note.of: note for note in self.notes[before:] if note.what in ("begins", "batch", "ends")}
        return [note for note in last.values() if note.what == "batch"]

    # ------------------------------------------------------------------ the outcome

    def faults(self) -> Iterator[str]:
        """Messages about faults."""
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
        """Processor seconds of each run: before its first batch (in a new process or after a run), and training."""
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
        """The sizes in bytes of the files in each run's directory."""
        for status in (self.place / "runs").rglob("status.json"):
            yield [file.stat().st_size for file in status.parent.rglob("*") if file.is_file()]

    def report(self) -> str:
        """A summary of the sweep."""
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
    """Wait for jobs that outlive the command, as a cluster's do."""
    while any(map(_lives, processes)):
        time.sleep(0.05)


def _lives(process: int) -> bool:
    """Whether a process is running; one that has ended but was not waited for has no command line."""
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
