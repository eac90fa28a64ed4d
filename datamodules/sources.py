"""Where photographs lie: a directory, a zip that is read in place, parquet shards. Images by name, as bytes.

Nothing here imports torch: worker processes read.
"""

from __future__ import annotations

import errno
import os
import stat
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath

from datamodules.contents import NOTHING, Content, Source, content, state
from datamodules.parquet import Parquet
from datamodules.tables import check_inside, refuse_html

IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".jp2")
LARGEST_FILE = 256 * 2**20
READERS = 4  # threads that read files: a disk answers several at once
AT_ONCE = 256  # files that one of them reads before it reports


class Directory:
    """Image files below a directory."""

    def __init__(self, path: str) -> None:
        self.root = Path(path)

    def names(self) -> Iterator[str]:
        folders = [""]
        while folders:
            below = folders.pop()
            with os.scandir(self.root / below) as entries:
                for entry in entries:
                    name = f"{below}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):  # a link could lead round in a circle
                        folders.append(f"{name}/")
                    elif name.lower().endswith(IMAGES) and not entry.name.startswith("."):
                        yield name

    def read(self, name: str) -> bytes:
        check_inside(name, str(self.root))
        file = self.root / name
        found = file.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for, a device read for ever
            raise OSError(errno.EINVAL, f"{_kind(found.st_mode)}, no file", str(file))
        if found.st_size > LARGEST_FILE:
            raise ValueError(f"{name} in {self.root} has {found.st_size:,} bytes: refused")
        return file.read_bytes()

    def states(self, names: Sequence[str]) -> Iterator[str]:
        yield str(self.root.resolve())
        yield from (f"{name} {state(self.root / name)}" for name in names)

    def contents(self, names: Sequence[str]) -> Iterator[Content]:
        runs = [names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE)]
        with ThreadPoolExecutor(READERS) as threads:
            for found in threads.map(lambda run: [content(self, name, self.root) for name in run], runs):
                yield from found


class Zip:
    """Images in a zip, read in place; names as below the folder that holds them all.

    Raises:
        ValueError: not a zip, or one with paths that lead out of it, or with two images of one name.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        refuse_html(self.path)
        with _undamaged(f"{self.path} is not a zip, or only a part of one: download it again"):
            self.zip = zipfile.ZipFile(self.path)
        self.entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self.zip.infolist():
            check_inside(entry.filename, str(self.path))
            if entry.filename.lower().endswith(IMAGES) and not entry.filename.startswith("__MACOSX"):
                name = PurePosixPath(entry.filename).name
                if name in self.entries:
                    raise ValueError(f"{self.path} has two images named {name}: which one is meant?")
                self.entries[name] = entry

    def names(self) -> Iterator[str]:
        yield from self.entries

    def read(self, name: str) -> bytes:
        if name not in self.entries:
            raise FileNotFoundError(name)
        if self.entries[name].file_size > LARGEST_FILE:
            raise ValueError(f"{name} in {self.path} unpacks to {self.entries[name].file_size:,} bytes: refused")
        with _undamaged(f"{name} in {self.path} is damaged or can't be unpacked"):  # encrypted, or an odd method
            return self.zip.read(self.entries[name])

    def states(self, names: Sequence[str]) -> Iterator[str]:
        yield from (str(self.path.resolve()), state(self.path), *names)

    def contents(self, names: Sequence[str]) -> Iterator[Content]:
        """As the zip's own directory has them: nothing is unpacked."""
        for entry in (self.entries[name] for name in names):
            yield (entry.file_size, entry.CRC) if entry.file_size <= LARGEST_FILE else NOTHING


@contextmanager
def _undamaged(otherwise: str) -> Iterator[None]:
    """What a zip or one of its packers comes to with damage, as the user's error: each raises what it likes.

    Raises:
        ValueError: it is damaged.
        OSError: a disk or a network refuses it.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise ValueError(f"{otherwise} ({' '.join(str(error).split())[:100] or type(error).__name__})") from error


SOURCES: dict[str, Callable[[str], Source]] = {"directory": Directory, "zip": Zip, "parquet": Parquet}


def open_source(kind: str, path: str) -> Source:
    """The source of a kind at a path; kept open in its process for as long as the file is what it was."""
    return _opened(kind, path, state(Path(path)))


@lru_cache(maxsize=4)
def _opened(kind: str, path: str, state: str) -> Source:
    return SOURCES[kind](path)


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device"
