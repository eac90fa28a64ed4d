"""The processor cores and memory that this process may use, within its control groups' limits (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def cores(root: Path = Path("/")) -> int:
    """The number of processor cores that affinity and control-group quotas allow this process; at least 1.

    Args:
        root: the root of the file system; tests use another.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([allowed, *_quotas(root)])))


def memory(root: Path = Path("/")) -> int | None:
    """Bytes of memory that are free on the machine and within control-group limits; None if the system doesn't say.

    Args:
        root: the root of the file system; tests use another.
    """
    left = []
    with suppress(OSError, ValueError):
        lines = dict(line.split(":") for line in (root / "proc/meminfo").read_text().splitlines())
        left.append(1024 * int(lines["MemAvailable"].split()[0]))
    for group, (limit, used) in {
        **dict.fromkeys(_groups(root, ""), ("memory.max", "memory.current")),
        **dict.fromkeys(_groups(root, "memory"), ("memory.limit_in_bytes", "memory.usage_in_bytes")),
    }.items():
        with suppress(OSError, ValueError):  # "max" means no limit; without a limit the file may be missing
            left.append(int((group / limit).read_text()) - int((group / used).read_text()) + _cached(group))
    return max(0, min(left)) if left else None


def _cached(group: Path) -> int:
    """Bytes of cached files in a group's memory, which the system can reclaim."""
    lines = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return int(lines["inactive_file"])


def _quotas(root: Path) -> Iterator[float]:
    """The processor time that each control group allows, in cores."""
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
    """The directories of this process's control group and of the groups above it.

    Args:
        root: the root of the file system.
        controller: the controller of version 1, such as ``memory``; empty for version 2, which has one tree for all.
    """
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(","):
                top = root / "sys/fs/cgroup" / controller
                inner = top / path.strip("/")
                return [group for group in (inner, *inner.parents) if group.is_relative_to(top)]
    return []
