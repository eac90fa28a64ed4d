"""What is in images, wherever they lie: the number of their bytes and a checksum, taken once and remembered.

Names, places and times are no part of it: a copy that was moved, renamed, zipped or touched holds the same, and one
byte makes other data of it. A CRC-32 is against accidents, as in the packed store; nobody is kept from forging one.

Reading all bytes of 200,000 photographs takes seconds to minutes, asking for their sizes and times a second or two. So
what was found is remembered in the user's cache, under all that can be asked (place, names, sizes, times), and taken
anew where any of it is other: then everything is read again, but nothing decoded.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np

Content = tuple[int, int]
"""How many bytes, and their CRC-32, as a zip keeps it."""
NOTHING: Content = (-1, 0)
"""Of an image that isn't there, or holds no bytes: told where it is decoded."""


class Source(Protocol):
    """Images by name."""

    def names(self) -> Iterator[str]:
        """All images, in no particular order."""

    def read(self, name: str) -> bytes:
        """An image's bytes; ``FileNotFoundError`` if there is none of that name."""

    def states(self, names: Sequence[str]) -> Iterator[str]:
        """What changes whenever one of these images may have changed, or lies elsewhere; nothing is read for it."""

    def contents(self, names: Sequence[str]) -> Iterator[Content]:
        """What is in these images, in order."""


def content(source: Source, name: str, place: Path) -> Content:
    """What is in an image of a source; nothing where it is missing or damaged.

    Args:
        source: of the image.
        name: of the image.
        place: of the source, for messages.

    Raises:
        OSError: a disk or a network refuses it; the place is named.
    """
    try:
        image = source.read(name)
    except (FileNotFoundError, ValueError):
        return NOTHING
    except OSError as error:  # which names no file, where it comes from reading one that is open
        raise OSError(error.errno, error.strerror or str(error), str(place / name)) from error
    return len(image), zlib.crc32(image)


def state(file: Path) -> str:
    """A file's size and times, of which the last can't be set by a program that copies files."""
    try:
        found = file.stat()
    except OSError:  # a link that leads nowhere
        return "-"
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def contents(
    source: Source, names: Sequence[str], memory: Path, shown: Callable[[Iterable[Content]], Iterable[Content]] = iter
) -> np.ndarray:
    """What is in some images of a source, ``[N]`` int64: equal where all bytes are, negative where there are none.

    Args:
        source: of the images.
        names: of the images, in order.
        memory: directory where it is remembered; where it can't be written to, it is taken every time.
        shown: wraps the reading: a progress bar.

    Raises:
        ValueError: an image can't be read.
    """
    asked = hashlib.sha256()
    for line in source.states(names):
        asked.update(line.encode("utf-8", "surrogateescape") + b"\n")
    remembered = memory / f"{asked.hexdigest()[:32]}.npy"
    with suppress(Exception):  # whatever NumPy comes to with a damaged file
        known = np.load(remembered)
        if isinstance(known, np.ndarray) and (known.dtype, known.shape) == (np.int64, (len(names),)):
            return known
    try:
        found = np.array([size << 32 | crc for size, crc in shown(source.contents(names))], np.int64)
    except OSError as error:
        raise ValueError(f"{error.filename} can't be read ({error.strerror or error})") from error
    with suppress(OSError):
        memory.mkdir(parents=True, exist_ok=True)
        new = remembered.with_name(f".new-{remembered.name}")  # taken over by the next one if this process is killed
        np.save(new, found)
        os.replace(new, remembered)
    return found
