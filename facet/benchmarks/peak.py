"""The peak memory of a call in this process."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import torch

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
Made = TypeVar("Made")


def with_peak(task: Callable[[], Made], device: torch.device) -> tuple[Made, int | None]:
    """The result of a call, and its peak memory in bytes beyond the memory in use before.

    On a GPU it is torch's memory on it, otherwise the process's resident memory; None if the system does not report it.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        allocated = torch.cuda.memory_allocated(device)
        return task(), torch.cuda.max_memory_allocated(device) - allocated
    with suppress(AttributeError, OSError):  # glibc keeps free memory, which the call would reuse without being counted
        ctypes.CDLL(None).malloc_trim(0)
    before, result, peak = _peak(clear=True), task(), _peak()
    return result, None if before is None or peak is None else peak - before


def _peak(clear: bool = False) -> int | None:
    """The peak of the process's resident memory in bytes; ``clear`` resets it to the current value."""
    try:
        if clear:
            CLEAR.write_text("5")
        match = re.search(r"^VmHWM:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(match[1]) * 1024 if match else None
