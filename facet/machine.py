"""What this process may use of its machine: processor cores and memory, within its control groups' limits (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def cores(root: Path = Path("/")) -> int:
    """Processor cores that this process may run on, and no more than a quota lets it use; at least 1.

    Args:
        root: of the file system; another in tests.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([allowed, *_quotas(root)])))


def memory(root: Path = Path("/")) -> int | None:
    """Bytes that are left: of the machine, and of what control groups allow; None where the system doesn't say.

    Args:
        root: of the file system; another in tests.
    """
    left = []
    with suppress(OSError, ValueError):
        lines = dict(line.split(":") for line in (root / "proc/meminfo").read_text().splitlines())
        left.append(1024 * int(lines["MemAvailable"].split()[0]))
    for group, (limit, used) in {
        **dict.fromkeys(_groups(root, ""), ("memory.max", "memory.current")),
        **dict.fromkeys(_groups(root, "memory"), ("memory.limit_in_bytes", "memory.usage_in_bytes")),
    }.items():
        with suppress(OSError, ValueError):  # "max" is no limit; without a limit there may be no file
            left.append(int((group / limit).read_text()) - int((group / used).read_text()) + _cached(group))
    return max(0, min(left)) if left else None


def _cached(group: Path) -> int:
    """Bytes of files in a group's memory, which the system takes back where it needs them."""
    lines = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return int(lines["inactive_file"])


def _quotas(root: Path) -> Iterator[float]:
    """Cores' worth of time that control groups allow."""
    for group in _groups(root, ""):
        with suppress(OSError, ValueError):
            quota, period = (group / "cpu.max").read_text().split()
            yield int(quota) / int(period)
    for group in _groups(root, "cpu"):
        with suppress(OSError, ValueError):
            quota, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
            if int(quota) > 0:
                yield int(quota) / int(period)


def _groups(root: Path, controller: str) -> list[Path]:
    """The directories of this process's control group and of those above it.

    Args:
        root: of the file system.
        controller: of version 1; of version 2, which has one tree for all, empty.
    """
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(","):
                top = root / "sys/fs/cgroup" / controller
                inner = top / path.strip("/")
                return [group for group in (inner, *inner.parents) if group.is_relative_to(top)]
    return []
