"""What is in images, wherever they lie: one digest of them all, taken once and remembered.

The digest is of every image's bytes (their number and CRC-32), in order. Names, places and times aren't in it: a copy
that was moved, renamed, zipped or touched holds the same data, and one byte makes other data of it. A CRC-32 is against
accidents, as in the packed store; nobody is kept from forging one.

Reading all bytes of 200,000 photographs takes seconds to minutes, asking for their sizes and times a second or two. So
the digest is remembered in the user's cache, under all that can be asked (place, names, sizes, times), and taken anew
where any of it is other: then everything is read again, but nothing decoded.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

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


def content(image: bytes) -> Content:
    """What is in an image."""
    return len(image), zlib.crc32(image)


def state(file: Path) -> str:
    """A file's size and times, of which the last can't be set by a program that copies files."""
    try:
        found = file.stat()
    except OSError:  # a link that leads nowhere
        return "-"
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def digest(
    source: Source, names: Sequence[str], memory: Path, shown: Callable[[Iterable[Content]], Iterable[Content]] = iter
) -> str:
    """Sixteen hex digits of what is in some images of a source.

    Args:
        source: of the images.
        names: of the images, in order.
        memory: directory where digests are remembered; where it can't be written to, nothing is.
        shown: wraps the reading: a progress bar.

    Raises:
        ValueError: an image can't be read.
    """
    remembered = memory / f"{_digest(source.states(names))}.content"
    with suppress(OSError):
        return remembered.read_text("ascii")
    try:
        found = _digest(f"{size} {crc}" for size, crc in shown(source.contents(names)))
    except OSError as error:
        raise ValueError(f"{error.filename} can't be read ({error.strerror or error})") from error
    with suppress(OSError):
        memory.mkdir(parents=True, exist_ok=True)
        new = remembered.with_name(f"{remembered.name}.{os.getpid()}")
        new.write_text(found, "ascii")
        os.replace(new, remembered)
    return found


def _digest(lines: Iterable[str]) -> str:
    taken = hashlib.sha256()
    for line in lines:
        taken.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return taken.hexdigest()[:16]
