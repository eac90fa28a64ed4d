"""The machine on which a benchmark runs."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

import torch


def machine() -> dict[str, Any]:
    """System, processor, its instructions that torch uses, number of cores, and the GPU if there is one."""
    try:
        named = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    except OSError:
        named = None
    return {
        "system": platform.platform(),
        "processor": named[1] if named else platform.processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }
