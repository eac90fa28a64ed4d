"""Compares runs that are killed repeatedly and resumed by the same commands with the same runs without kills.

``python -m tests.kills methods=all n=1000`` (about an hour): every method is trained, judged and reported by a process
that gets SIGKILL at a random moment, in a random part or before a random change of a file. It is started again until it
ends by itself. Then its directories must hold the same files with the same bits as those of an uncut run. Differences
are listed, and the exit code is 1 if there are any. ``seed=`` repeats the random choices. ``commands=train`` only
trains, on existing data. ``n=every`` instead kills once before every single change of a file, with a checkpoint after
every batch. The working tree must not change meanwhile, because a run records its revision.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
from kept import differences
from lives import METHODS, Life, left_running
from moments import PARTS, PER_LIFE, STARTING, Changes, Moment, go_to, now_at, watch

MOST = 4 * PER_LIFE  # most kills of one run


@dataclass
class Uncut:
    """A method's commands without kills: how long they took, and how many changes of files they made."""

    life: Life
    seconds: float
    changes: int

    @staticmethod
    def of(life: Life) -> Uncut:
        """Run the commands.

        Raises:
            RuntimeError: a command failed.
        """
        life.begin()
        begun, changes = time.monotonic(), Changes(life.place)
        if life.end(life.start(changes.count), Moment()) != 0:
            raise RuntimeError(f"{life.method} fails uncut:\n{life.log.read_text()}")
        return Uncut(life, time.monotonic() - begun, changes.made)

    def lost_by(self, life: Life, moments: Iterator[Moment]) -> Iterator[str]:
        """Kill the same commands at these moments, then let them end by themselves; yields what differs."""
        life.begin()
        code = -signal.SIGKILL
        while code == -signal.SIGKILL:
            moment = next(moments, Moment())
            go_to(STARTING)
            process = life.start(Changes(life.place, moment.change).count)
            code = life.end(process, moment)
            if left := left_running(process):
                yield f"a process outlived the one that was killed: {left[0]}"
            if code == -signal.SIGKILL:
                life.kills[now_at()] += 1
        if code:
            yield f"exit code {code}: {life.log.read_text()[-1500:]}"
        else:
            yield from differences(self.life.place, life.place)


@dataclass
class Killing:
    """Kills methods in turn.

    Attributes:
        methods: of :data:`lives.METHODS`.
        commands: of ``train``, ``evaluate`` and ``report``.
        root: directory of all files.
        kills: number of kills by method and part.
        lost: differences, each with its method.
    """

    methods: list[str]
    commands: tuple[str, ...]
    root: Path
    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: list[tuple[str, str]] = field(default_factory=list)

    def go_on(self, n: int, luck: random.Random) -> None:
        """Kill the methods n times in all, each about as often."""
        uncut: dict[str, Uncut] = {}
        most = min(MOST, -(-n // len(self.methods)))
        for number in range(sys.maxsize):
            if self.kills.total() >= n:
                return
            method = self.methods[number % len(self.methods)]
            if method not in uncut:
                uncut[method] = Uncut.of(self._life(method, "uncut"))
            seconds, changes = uncut[method].seconds, uncut[method].changes
            settings = (f"save_minutes={luck.choice([0, 10])}", f"data.workers={luck.choice([1, 2])}")
            moments = (Moment.drawn(luck, seconds, changes) for _ in range(most))
            self._kill(self._life(method, f"life{number}", settings), uncut[method], moments)

    def go_through(self) -> None:
        """Kill each method once before every change of a file."""
        settings = ("save_minutes=0",)
        for method in self.methods:
            uncut = Uncut.of(self._life(method, "uncut", settings))
            for change in range(1, uncut.changes + 1):
                life = self._life(method, f"change{change}", settings)
                self._kill(life, uncut, iter([Moment(change=change)]))

    def _life(self, method: str, name: str, settings: tuple[str, ...] = ()) -> Life:
        data = self.root if self.commands == ("train",) else None
        return Life(method, self.root / method / name, self.commands, settings, data)

    def _kill(self, life: Life, uncut: Uncut, moments: Iterator[Moment]) -> None:
        """Kill a life at these moments and record the result; its files are kept if something was lost."""
        lost = list(uncut.lost_by(life, moments))
        self.lost += [(life.method, f"{life.place.name}, {' '.join(life.settings)}: {each}") for each in lost]
        self.kills.update({(life.method, part): times for part, times in life.kills.items()})
        line = f"{self.kills.total():5} kills; {life.method}, {life.place.name}, after {life.kills.total()}"
        print(line, *lost, sep="\n  ", flush=True)
        if not lost:
            shutil.rmtree(life.place)

    def table(self) -> str:
        """Kills by part and by method, in Markdown."""
        lines = ["| killed at | times |", "|---|---|"]
        for part in (STARTING, *(part for *_, part in PARTS)):
            lines.append(f"| {part} | {sum(times for (_, at), times in self.kills.items() if at == part):,} |")
        lines += ["", "| method | kills | lost |", "|---|---|---|"]
        for method in self.methods:
            times = sum(times for (name, _), times in self.kills.items() if name == method)
            lines.append(f"| `{method}` | {times:,} | {sum(name == method for name, _ in self.lost) or 'nothing'} |")
        return "\n".join(lines)


def main() -> None:
    """The command."""
    said = {"methods": "all", "n": "1000", "seed": str(int(time.time())), "commands": "train,evaluate,report"}
    said |= dict(argument.split("=", 1) for argument in sys.argv[1:])
    methods = list(METHODS) if said["methods"] == "all" else said["methods"].split(",")
    root = Path(tempfile.mkdtemp(prefix="facet-kills-"))
    os.environ |= {"FACET_CACHE": str(root / "cache"), "OMP_NUM_THREADS": "1", "WANDB_MODE": "offline"}
    torch.set_num_threads(1)
    print(f"seed={said['seed']}, in {root}", flush=True)
    killing = Killing(methods, tuple(said["commands"].split(",")), root)
    watch()
    if said["n"] == "every":
        killing.go_through()
    else:
        killing.go_on(int(said["n"]), random.Random(int(said["seed"])))
    print(f"\n{killing.table()}\n\n{killing.kills.total():,} kills of {len(methods)} methods, seed={said['seed']}")
    print("\n".join(f"LOST by {method}: {what}" for method, what in killing.lost) or "nothing was lost")
    if not killing.lost:
        shutil.rmtree(root)
    sys.exit(bool(killing.lost))


if __name__ == "__main__":
    main()
