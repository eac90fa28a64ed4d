"""The contents of image files: their sizes and checksums, which are computed once and cached.

Names, places and times of files do not count. A copy that was moved, renamed, zipped or touched has the same contents;
a copy with one other byte has not. The CRC-32 detects accidents, not forgeries, as in the packed store.

Reading all bytes of 200,000 photographs takes seconds to minutes; reading their sizes and times takes a second or two.
So contents are cached in the user's cache directory under the files' place, names, sizes and times. If any of these
has changed, all files are read again; none is decoded.
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
"""The number of bytes and their CRC-32, as a zip file keeps it."""
NOTHING: Content = (-1, 0)
"""The content of an image that is missing or damaged; decoding it raises the error."""


class Source(Protocol):
    """Images by name."""

    def names(self) -> Iterator[str]:
        """All images, in no particular order."""

    def read(self, name: str) -> bytes:
        """An image's bytes; ``FileNotFoundError`` if there is none of that name."""

    def states(self, names: Sequence[str]) -> Iterator[str]:
        """Texts that change whenever one of these images may have changed or moved. Reads no image."""

    def contents(self, names: Sequence[str]) -> Iterator[Content]:
        """The contents of these images, in order."""


def content(source: Source, name: str, place: Path) -> Content:
    """The content of an image of a source; ``NOTHING`` if it is missing or damaged.

    Args:
        source: of the image.
        name: of the image.
        place: of the source, for messages.

    Raises:
        OSError: reading from a disk or a network fails; the error names the place.
    """
    try:
        image = source.read(name)
    except (FileNotFoundError, ValueError):
        return NOTHING
    except OSError as error:  # an error while reading an open file does not name it
        raise OSError(error.errno, error.strerror or str(error), str(place / name)) from error
    return len(image), zlib.crc32(image)


def state(file: Path) -> str:
    """A file's size and its times of modification and change; programs that copy files can't set the latter."""
    try:
        status = file.stat()
    except OSError:  # a broken link
        return "-"
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def contents(
    source: Source, names: Sequence[str], memory: Path, shown: Callable[[Iterable[Content]], Iterable[Content]] = iter
) -> np.ndarray:
    """A number per image, ``[N]`` int64: equal for equal bytes, negative for a missing or damaged image.

    Args:
        source: of the images.
        names: of the images, in order.
        memory: directory of the cache; if it can't be written to, contents are computed every time.
        shown: wraps the reading, e.g. with a progress bar.

    Raises:
        ValueError: an image can't be read.
    """
    key = hashlib.sha256()
    for line in source.states(names):
        key.update(line.encode("utf-8", "surrogateescape") + b"\n")
    cache = memory / f"{key.hexdigest()[:32]}.npy"
    with suppress(Exception):  # NumPy raises errors of many types for a damaged file
        cached = np.load(cache)
        if isinstance(cached, np.ndarray) and (cached.dtype, cached.shape) == (np.int64, (len(names),)):
            return cached
    try:
        computed = np.array([size << 32 | crc for size, crc in shown(source.contents(names))], np.int64)
    except OSError as error:
        raise ValueError(f"{error.filename} can't be read ({error.strerror or error})") from error
    with suppress(OSError):
        memory.mkdir(parents=True, exist_ok=True)
        new = cache.with_name(f".new-{cache.name}")  # the next process overwrites it if this one is killed
        np.save(new, computed)
        os.replace(new, cache)
    return computed
