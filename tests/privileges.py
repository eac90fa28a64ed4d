"""Drops root's privilege to ignore permissions, for tests of directories that can't be written to."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSION = 0x20080522  # of the capability structures: two of three words each
OVERRIDES = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


@contextmanager
def unprivileged() -> Iterator[None]:
    """Drop the privileges of this thread and of processes that it forks; other users than root don't have them."""
    library = ctypes.CDLL(None, use_errno=True)
    header, held = (ctypes.c_uint32 * 2)(VERSION, 0), (ctypes.c_uint32 * 6)()
    assert library.capget(header, held) == 0
    fewer = (ctypes.c_uint32 * 6)(*held)
    fewer[0] &= ~OVERRIDES  # the first word holds the effective capabilities
    assert library.capset(header, fewer) == 0
    try:
        yield
    finally:
        assert library.capset(header, held) == 0


@contextmanager
def read_only(*directories: Path) -> Iterator[None]:
    """Make directories and everything in them read-only."""
    places = [place for directory in directories for place in (directory, *directory.rglob("*"))]
    modes = {place: place.stat().st_mode for place in places}
    with unprivileged():
        try:
            for place, mode in modes.items():
                place.chmod(mode & ~0o222)
            yield
        finally:
            for place, mode in modes.items():
                if place.exists():
                    place.chmod(mode)
