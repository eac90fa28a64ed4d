"""``python -m facet.benchmarks.gpu``: what a GPU is wanted for, in seven minutes and whatever fails, into one archive.

A page of tiny runs as a check, ``facet-bench steps``, and Table 1 at full scale, with the papers' settings and with the
authors'. ``size=0.01`` takes a hundredth of the images, and a CPU where there is no GPU; ``place=`` is the directory.
"""

from __future__ import annotations

import math
import subprocess
import sys
import tarfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from facet.commands import INTERNAL, USER, say
from facet.showing import duration
from facet.signals import ASKED, Stopped, end, handled
from facet.sweeps import environment

SAVING = 15.0  # seconds for a part whose time is over to save what it has
LARGEST = 15 * 2**20  # bytes that are archived
ON_CPU = 20  # times as long as on a GPU a rehearsal may take
SPLITS = (("train", 100_000, 128), ("val", 2000, 128), ("test", 3000, 128))  # images, and those that a run needs
KEPT = ("*.log", "*.json", "*.html", "*.csv", "*.md", "*.yaml")
TINY = (
    *("data.resolution=16", "data.train_size=96", "data.val_size=40", "data.test_size=60", "data.batch_size=16"),
    *("networks.width=4", "networks.latent_dim=6", "trainer.max_epochs=3"),
)


@dataclass(frozen=True)
class Part:
    """A command under a limit.

    Attributes:
        name: also of its log.
        seconds: that it may take on a GPU, besides what those before it have left of theirs.
        command: a module and its arguments.
    """

    name: str
    seconds: float
    command: Sequence[str]


def parts(size: float, place: Path, trainer: str) -> list[Part]:
    """What is done, most wanted first.

    Args:
        size: 1 for 100,000 images.
        place: for everything that is written.
        trainer: of ``conf/trainer``.
    """
    images = [f"data.{split}_size={max(least, round(n * size))}" for split, n, least in SPLITS]

    def table1(name: str, seconds: float, overrides: Sequence[str]) -> list[Part]:
        where = ["table1", f"trainer={trainer}", "logger=csv", *overrides]
        where += [f"runs={place / 'runs'}", f"reports={place / name}"]
        beside = ["jobs=4"] if trainer == "gpu" else []  # a run alone leaves most of a GPU idle
        return [
            Part(name, seconds, ["facet.reproduce", *where, *beside]),
            Part(f"{name}-page", 15, ["facet.report.command", *where]),  # of what there is, where time was over
        ]

    scale = ["preset=paper", "rounds=2", "samples=10"] if size >= 1 else ["preset=embedded", "rounds=1", "samples=1"]
    steps = ["facet.bench", "steps", *scale, f'overrides=["trainer={trainer}"]', f"json={place / 'steps.json'}"]
    return [
        *table1("check", 40, TINY),
        Part("steps", 80, steps),
        *table1("paper", 125, ["preset=paper", *images]),
        *table1("authors", 105, ["preset=authors", *images]),
    ]


def run(part: Part, place: Path, limit: float) -> str:
    """Run a part and say how it ended: nothing where it went well, else in a few words.

    Raises:
        Stopped: all of it was asked to stop.
    """
    begun, limit = time.monotonic(), max(1.0, limit)
    with (place / f"{part.name}.log").open("wb") as log:
        command = [sys.executable, "-m", *part.command]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment(),
            start_new_session=True,  # a terminal's Ctrl-C comes to it once, from here
        )
    try:
        with handled(end, *ASKED):
            code = process.wait(limit)
        how = f"ended with {code}" if code else ""
    except (subprocess.TimeoutExpired, Stopped) as error:
        how = f"was stopped after {duration(limit)}"
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(SAVING)
        if isinstance(error, Stopped):
            raise
    finally:
        process.kill()
    say(f"{part.name}: {how or 'done'} ({duration(time.monotonic() - begun)})", "red" if how else None)
    return how


def archive(place: Path) -> Path:
    """One file with pages, tables, numbers and logs; what is large is left out, and named."""
    packed, left = place / f"{place.resolve().name}.tar.gz", LARGEST
    found = {file for kind in KEPT for file in place.rglob(kind) if file.is_file()}
    with tarfile.open(packed, "w:gz") as tar:
        for file in sorted(found, key=lambda file: (file.stat().st_size, file)):
            left -= file.stat().st_size
            if left < 0:
                say(f"left out of {packed}: {file}", "yellow")
            else:
                tar.add(file, file.relative_to(place))
    return packed


def asked_for(arguments: Sequence[str]) -> tuple[float, Path]:
    """``size=`` and ``place=``; whoever says anything else is told, and the process ends."""
    said = {"size": "1", "place": "gpu"}
    try:
        for argument in arguments:
            name, is_, value = argument.partition("=")
            if name not in said or not is_:
                raise ValueError(argument)
            said[name] = value
        size = float(said["size"])
        if not 0 < size < math.inf:
            raise ValueError(f"size={said['size']}")
    except ValueError:
        say(f"{' '.join(arguments)}: say size=, a number such as 0.01, or place=, a directory", "red")
        sys.exit(USER)
    return size, Path(said["place"])


def main() -> None:
    """Do all parts, name those that failed, and exit with 1 if any did."""
    size, place = asked_for(sys.argv[1:])
    import torch

    on_gpu = torch.cuda.is_available()
    if size >= 1 and not on_gpu:
        say("there is no GPU: size=0.01 rehearses it", "red")
        sys.exit(USER)
    place.mkdir(parents=True, exist_ok=True)
    failed, until = [], time.monotonic()
    for part in parts(size, place, "gpu" if on_gpu else "cpu"):
        until += part.seconds * (1 if on_gpu else ON_CPU)
        try:
            left = until - time.monotonic()
            how = run(part, place, max(left, part.seconds) if part.name.endswith("-page") else left)
        except Stopped as stopped:
            say(f"stopped ({stopped}) in {part.name}; what there is: {archive(place)}", "red")
            sys.exit(stopped.code)
        if how:
            failed.append(f"{part.name} {how}")
    say(f"all of it: {archive(place)}")
    if failed:
        say(f"failed: {'; '.join(failed)}", "red")
        sys.exit(INTERNAL)


if __name__ == "__main__":
    main()
