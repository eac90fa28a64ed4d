"""``python -m facet.benchmarks.memory COMMAND``: the peak memory of a command and all its processes together (Linux).

The sum of the proportional set sizes over the process tree is sampled twenty times a second. Shared memory counts once.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    """Run the command, print its peak memory, and exit with its code."""
    process = subprocess.Popen(sys.argv[1:])
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(proportional, tree(process.pid))))
        time.sleep(0.05)
    print(f"peak memory {peak / 1024:,.0f} MiB", file=sys.stderr)
    sys.exit(process.returncode)


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    pids = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            pids += [one for child in task.read_text().split() for one in tree(int(child))]
        except OSError:  # the process has ended
            continue
    return pids


def proportional(pid: int) -> int:
    """A process's proportional set size in KiB; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    main()
