"""Facet's version, and the processors of this machine. Torch is imported only where there may be a GPU."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from facet.machine import cores, memory
from facet.runs import revision

GIB = 2**30
# Vector instructions by the system's name, the widest first; the wider ones imply the others.
VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "asimd": "NEON"}
BF16 = {"avx512_bf16", "amx_bf16", "bf16"}  # the last one is ARM's
DEVICES = ("dev/nvidia[0-9]*", "dev/kfd", "dev/dxg")  # of NVIDIA, of AMD, and of the Windows Subsystem for Linux


def facet() -> str:
    """Facet's version and git revision."""
    try:
        number = version("facet-lab")
    except PackageNotFoundError:  # its directory is on the path, but it isn't installed
        number = "not installed"
    return f"{number} (revision {revision()})"


def processor(root: Path = Path("/")) -> list[str]:
    """What the CPU has, in words.

    Args:
        root: the root of the file system; tests use another.
    """
    flags, model = _cpuinfo(root)
    usable = cores(root)
    words = [model or platform.machine(), f"{usable} {'core' if usable == 1 else 'cores'} usable"]
    if vectors := next((name for flag, name in VECTORS.items() if flag in flags), ""):
        words.append(vectors)
    if flags:
        words.append("bf16" if flags & BF16 else "no bf16")
    if (free := memory(root)) is not None:
        words.append(f"{free / GIB:.1f} GiB of memory free")
    return words


def _cpuinfo(root: Path) -> tuple[set[str], str]:
    """The flags of the first processor, and its model's name; empty where the system doesn't say."""
    try:
        text = (root / "proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return set(), ""
    known: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        known.setdefault(key.strip(), value.strip())
    return set((known.get("flags") or known.get("Features", "")).split()), known.get("model name", "")


def processors(root: Path = Path("/")) -> list[str]:
    """The GPUs that torch can use, in words."""
    if sys.platform == "linux" and not any(next(root.glob(pattern), None) for pattern in DEVICES):
        return ["none"]
    try:
        import torch
    except (ImportError, OSError) as error:  # a library of CUDA is missing
        return [f"torch can't be imported: {' '.join(str(error).split())[:60]}"]
    return _usable(torch)


def _usable(torch: Any) -> list[str]:
    found = []
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            gpu = torch.cuda.get_device_properties(i)
            found.append(f"cuda:{i} {gpu.name} with {gpu.total_memory / GIB:.0f} GiB")
    if torch.backends.mps.is_available():
        found.append("mps")
    return found or ["none that torch can use"]
