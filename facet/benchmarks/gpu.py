"""``python -m facet.benchmarks.gpu``: the GPU benchmarks in seven minutes, with all results in one archive.

Runs a page of tiny runs as a check, ``facet-bench steps``, and Table 1 at full scale with the paper's and with the
authors' settings. A part that fails does not stop the others. ``size=0.01`` uses a hundredth of the images, and a CPU
if there is no GPU; ``place=`` is the directory of all files.
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

SAVING = 15.0  # seconds in which a part whose time is over may save its state
LARGEST = 15 * 2**20  # most bytes in the archive
ON_CPU = 20  # a rehearsal on a CPU may take so many times as long as on a GPU
SPLITS = (("train", 100_000, 128), ("val", 2000, 128), ("test", 3000, 128))  # images, and the fewest that a run needs
KEPT = ("*.log", "*.json", "*.html", "*.csv", "*.md", "*.yaml")
TINY = (
    *("data.resolution=16", "data.train_size=96", "data.val_size=40", "data.test_size=60", "data.batch_size=16"),
    *("data.images_per_epoch=null", "networks.width=4", "networks.latent_dim=6", "trainer.max_epochs=3"),
)


@dataclass(frozen=True)
class Part:
    """A command under a limit.

    Attributes:
        name: of the part and of its log.
        seconds: time limit on a GPU; the time that earlier parts have left is added.
        command: a module and its arguments.
    """

    name: str
    seconds: float
    command: Sequence[str]


def parts(size: float, place: Path, trainer: str) -> list[Part]:
    """The parts, the most important first.

    Args:
        size: share of 100,000 images.
        place: directory of all files.
        trainer: a name in ``conf/trainer``.
    """
    images = [f"data.{split}_size={max(least, round(n * size))}" for split, n, least in SPLITS]

    def table1(name: str, seconds: float, overrides: Sequence[str]) -> list[Part]:
        where = ["table1", f"trainer={trainer}", "logger=csv", *overrides]
        where += [f"runs={place / 'runs'}", f"reports={place / name}"]
        beside = ["jobs=4"] if trainer == "gpu" else []  # a single run leaves most of a GPU idle
        return [
            Part(name, seconds, ["facet.reproduce", *where, *beside]),
            Part(f"{name}-page", 15, ["facet.report.command", *where]),  # of the finished runs, if the time was over
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
    """Run a part; returns an empty text if it succeeded, otherwise how it ended.

    Raises:
        Stopped: this process was asked to stop.
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
            start_new_session=True,  # so that a terminal's Ctrl-C reaches it only through this process
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
    """Pack pages, tables, numbers and logs into one file; files that are too large are named and left out."""
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
    """The values of ``size=`` and ``place=``; any other argument is refused, and the process ends."""
    settings = {"size": "1", "place": "gpu"}
    try:
        for argument in arguments:
            name, equals, value = argument.partition("=")
            if name not in settings or not equals:
                raise ValueError(argument)
            settings[name] = value
        size = float(settings["size"])
        if not 0 < size < math.inf:
            raise ValueError(f"size={settings['size']}")
    except ValueError:
        say(f"{' '.join(arguments)}: say size=, a number such as 0.01, or place=, a directory", "red")
        sys.exit(USER)
    return size, Path(settings["place"])


def main() -> None:
    """Run all parts, name those that failed, and exit with 1 if any failed."""
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
