"""``python -m tests.fuzz n=10000 kinds=all seed=0``: gives odd inputs of every kind to the commands.

    n      number of inputs
    kinds  all, or some, separated by commas
    seed   of the inputs; from the clock by default
    again  a file of an earlier find, which alone is tried

A command may only exit with 0 or 2, without a traceback and without incomplete files. Other outcomes are written to
``fuzz-finds/``, one for each place in the code, and the exit code is then 1.
"""

from __future__ import annotations

import ast
import faulthandler
import os
import re
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

FINDS = Path("fuzz-finds")
LAST = FINDS / "last"  # the current input, kept if the process dies of it
OURS = re.compile(r"/(aif|datamodules|facet|jacsup|nets)/\w+\.py|/report/|/measures/")
SHOWN = 30.0  # seconds between lines of progress


def main() -> int:
    """Run the command; returns its exit code."""
    sys.path.insert(0, str(Path(__file__).parent))  # as pytest has it
    from fuzzing.kinds import KINDS

    said = dict(argument.partition("=")[::2] for argument in sys.argv[1:])
    if unknown := said.keys() - {"n", "kinds", "seed", "again"}:
        print(f"{', '.join(sorted(unknown))}: there are n, kinds, seed and again", file=sys.stderr)
        return 2
    FINDS.mkdir(exist_ok=True)
    _silence_libraries()
    if "again" in said:
        name, given = ast.literal_eval(Path(said["again"]).read_text("utf-8"))
        found = _tried(KINDS[name], given)
        print(found if isinstance(found, str) else f"exit code {found}")
        return int(isinstance(found, str))
    names = list(KINDS) if said.get("kinds", "all") == "all" else said["kinds"].split(",")
    seed, total = int(said.get("seed", time.time())), int(said.get("n", 10_000))
    print(f"{total:,} inputs of {', '.join(names)}, seed={seed}", flush=True)
    shares = sum(KINDS[name].few for name in names)
    everything: Counter[Any] = Counter()
    print(f"{'kind':<16}{'inputs':>8}{'exit 0':>8}{'exit 2':>8}{'other':>8}")
    for name in names:
        everything += (found := _many(KINDS[name], -(-total * KINDS[name].few // shares), seed))
        print(_row(name, found))
    print(_row("all", everything))
    print(f"seed={seed}, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB of memory at most")
    LAST.unlink(missing_ok=True)
    return int(bool(everything["other"]))


def _row(name: str, found: Counter[Any]) -> str:
    return f"{name:<16}{found.total():>8,}{found[0]:>8,}{found[2]:>8,}{found['other']:>8,}"


def _silence_libraries() -> None:
    """Hide what C libraries write to standard error about a file; tracebacks of crashes are still shown."""
    sys.stdout = os.fdopen(os.dup(1), "w", buffering=1)
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    faulthandler.enable(sys.stderr)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _many(kind: Any, n: int, seed: int) -> Counter[Any]:
    """Try n inputs of a kind; returns the number of each exit code."""
    import hypothesis

    counts: Counter[Any] = Counter()
    places: set[str] = set()
    began = shown = time.monotonic()

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=n,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(kind.inputs)
    def each(given: Any) -> None:
        nonlocal shown
        LAST.write_text(repr((kind.name, given)), "utf-8", "backslashreplace")
        found = _tried(kind, given)
        counts["other" if isinstance(found, str) else found] += 1
        if isinstance(found, str) and (place := _place(found)) not in places:
            places.add(place)
            file = FINDS / f"{kind.name.replace(' ', '-')}-{len(places)}"
            LAST.replace(file)
            file.with_name(f"{file.name}.txt").write_text(found, "utf-8", "backslashreplace")
            print(f"{kind.name}: found, in {file}: {place}")
        if time.monotonic() - shown > SHOWN:
            shown = time.monotonic()
            print(f"{kind.name}: {counts.total():,} of {n:,}, {counts.total() / (shown - began):.0f} a second")

    each()
    return counts


def _tried(kind: Any, given: Any) -> int | str:
    """The exit code, or a description of the find."""
    from fuzzing.harness import FoundError, outcome

    try:
        return outcome(kind, given)
    except FoundError as error:
        return str(error)


def _place(found: str) -> str:
    """Place and error of a find: the last frame in the project's code and the last line of the first traceback."""
    lines = found.split("\nThe above exception")[0].rstrip().splitlines()
    frames = [line.strip().split("/")[-1] for line in lines if line.startswith("  File") and OURS.search(line)]
    return " ".join([*frames[-1:], lines[-1].split(":")[0] if frames else lines[0][:60]])


if __name__ == "__main__":
    sys.exit(main())
