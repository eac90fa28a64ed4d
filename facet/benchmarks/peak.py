"""How much memory something takes at its peak, within this process."""

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
    """What a call returns, and the bytes that it took at its peak beyond what was held before.

    On a GPU of torch's memory there, else of the process's resident memory; None where Linux doesn't tell that.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        held = torch.cuda.memory_allocated(device)
        return task(), torch.cuda.max_memory_allocated(device) - held
    with suppress(AttributeError, OSError):  # glibc's, which would keep what is free, and give it to the call unseen
        ctypes.CDLL(None).malloc_trim(0)
    before, made, peak = _peak(clear=True), task(), _peak()
    return made, None if before is None or peak is None else peak - before


def _peak(clear: bool = False) -> int | None:
    """Of the process's resident memory, in bytes; cleared, it is what is resident now."""
    try:
        if clear:
            CLEAR.write_text("5")
        found = re.search(r"^VmHWM:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
