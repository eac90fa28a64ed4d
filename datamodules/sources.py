"""Sources of photographs, which give the bytes of an image by its name: a directory, a zip file, parquet shards.

This module must not import torch, because worker processes import it.
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
READERS = 4  # threads that read files; a disk serves several at once
AT_ONCE = 256  # files that a thread reads before it returns them


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
                    if entry.is_dir(follow_symlinks=False):  # links may form a circle
                        folders.append(f"{name}/")
                    elif name.lower().endswith(IMAGES) and not entry.name.startswith("."):
                        yield name

    def read(self, name: str) -> bytes:
        check_inside(name, str(self.root))
        file = self.root / name
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device may never end
            raise OSError(errno.EINVAL, f"{_kind(status.st_mode)}, no file", str(file))
        if status.st_size > LARGEST_FILE:
            raise ValueError(f"{name} in {self.root} has {status.st_size:,} bytes: refused")
        return file.read_bytes()

    def states(self, names: Sequence[str]) -> Iterator[str]:
        yield str(self.root.resolve())
        yield from (f"{name} {state(self.root / name)}" for name in names)

    def contents(self, names: Sequence[str]) -> Iterator[Content]:
        runs = [names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE)]
        with ThreadPoolExecutor(READERS) as threads:
            for read in threads.map(lambda run: [content(self, name, self.root) for name in run], runs):
                yield from read


class Zip:
    """Images in a zip file, read without unpacking it; an image's name is the last part of its path.

    Raises:
        ValueError: the file is no zip file, has a path that leads out of it, or two images of the same name.
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
        with _undamaged(f"{name} in {self.path} is damaged or can't be unpacked"):  # or encrypted
            return self.zip.read(self.entries[name])

    def states(self, names: Sequence[str]) -> Iterator[str]:
        yield from (str(self.path.resolve()), state(self.path), *names)

    def contents(self, names: Sequence[str]) -> Iterator[Content]:
        """Contents from the zip file's directory; no image is unpacked."""
        for entry in (self.entries[name] for name in names):
            yield (entry.file_size, entry.CRC) if entry.file_size <= LARGEST_FILE else NOTHING


@contextmanager
def _undamaged(message: str) -> Iterator[None]:
    """Turn any exception of ``zipfile``, which raises many types for a damaged file, into an error for the user.

    Raises:
        ValueError: the file is damaged.
        OSError: reading from a disk or a network fails.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise ValueError(f"{message} ({' '.join(str(error).split())[:100] or type(error).__name__})") from error


SOURCES: dict[str, Callable[[str], Source]] = {"directory": Directory, "zip": Zip, "parquet": Parquet}


def open_source(kind: str, path: str) -> Source:
    """The source of a kind at a path. Each process keeps it open until the file changes."""
    return _opened(kind, path, state(Path(path)))


@lru_cache(maxsize=4)
def _opened(kind: str, path: str, state: str) -> Source:
    return SOURCES[kind](path)


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device"
