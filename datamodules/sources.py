"""Where photographs lie: a directory, a zip that is read in place, parquet shards. Images by name, as bytes.

Nothing here imports torch: worker processes read.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from datamodules.tables import check_inside, refuse_html

IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".jp2")
LARGEST_FILE = 256 * 2**20


class Source(Protocol):
    """Images by name."""

    def names(self) -> Iterator[str]:
        """All images, in no particular order."""

    def read(self, name: str) -> bytes:
        """An image's bytes; ``FileNotFoundError`` if there is none of that name."""

    def stamp(self) -> str:
        """Changes with the names, sizes and times of what is there."""


class Directory:
    """Image files below a directory."""

    def __init__(self, path: str) -> None:
        self.root = Path(path)

    def names(self) -> Iterator[str]:
        for name, _ in self._files():
            yield name

    def read(self, name: str) -> bytes:
        check_inside(name, str(self.root))
        return (self.root / name).read_bytes()

    def stamp(self) -> str:
        return _digest(sorted(f"{name}\0{_state(entry)}" for name, entry in self._files()))

    def _files(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        folders = [""]
        while folders:
            below = folders.pop()
            with os.scandir(self.root / below) as entries:
                for entry in entries:
                    name = f"{below}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):  # a link could lead round in a circle
                        folders.append(f"{name}/")
                    elif name.lower().endswith(IMAGES) and not entry.name.startswith("."):
                        yield name, entry


class Zip:
    """Images in a zip, read in place; names as below the folder that holds them all.

    Raises:
        ValueError: not a zip, or one with paths that lead out of it, or with two images of one name.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        refuse_html(self.path)
        try:
            self.zip = zipfile.ZipFile(self.path)
        except zipfile.BadZipFile as error:
            raise ValueError(f"{self.path} is not a zip, or only a part of one ({error}): download it again") from error
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
        try:
            return self.zip.read(self.entries[name])
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            RuntimeError,
        ) as error:  # encrypted, or an odd method
            raise ValueError(f"{name} in {self.path} is damaged or can't be unpacked ({error})") from error

    def stamp(self) -> str:
        stat = self.path.stat()
        return _digest([f"{self.path.name}\0{stat.st_size}\0{stat.st_mtime_ns}"])


class Parquet:
    """Images in parquet shards; an image's name is ``<shard>/<row>``.

    Raises:
        ValueError: pyarrow is missing, or a file is not parquet.
    """

    def __init__(self, path: str, column: str = "image") -> None:
        self.root, self.column = Path(path), column
        self.files = sorted([*self.root.glob("*.parquet"), *self.root.glob("*/*.parquet")])

    def names(self) -> Iterator[str]:
        for i, file in enumerate(self.files):
            for row in range(open_parquet(str(file)).metadata.num_rows):
                yield f"{i}/{row}"

    def read(self, name: str) -> bytes:
        shard, row = map(int, name.split("/"))
        group, offset = _row_group(str(self.files[shard]), row)
        value = _images(str(self.files[shard]), group, self.column)[offset].as_py()
        content = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(content, bytes):
            raise ValueError(f"row {row} of {self.files[shard]} holds no image bytes in its column {self.column!r}")
        return content

    def stamp(self) -> str:
        stats = [(file.relative_to(self.root), file.stat()) for file in self.files]
        return _digest(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}" for name, stat in stats)


SOURCES: dict[str, Callable[[str], Source]] = {"directory": Directory, "zip": Zip, "parquet": Parquet}


@lru_cache(maxsize=4)
def open_source(kind: str, path: str) -> Source:
    """The source of a kind at a path; kept open in its process."""
    return SOURCES[kind](path)


@lru_cache(maxsize=64)
def open_parquet(path: str) -> Any:
    """A parquet file.

    Raises:
        ValueError: pyarrow is missing, or this is no parquet file.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ValueError("parquet shards are read by pyarrow: pip install 'facet-lab[parquet]'") from error
    refuse_html(Path(path))
    try:
        return pyarrow.parquet.ParquetFile(path)
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{path} is not a parquet file, or only a part of one: download it again") from error


def _row_group(path: str, row: int) -> tuple[int, int]:
    metadata = open_parquet(path).metadata
    for group in range(metadata.num_row_groups):
        if row < metadata.row_group(group).num_rows:
            return group, row
        row -= metadata.row_group(group).num_rows
    raise FileNotFoundError(f"{path} has no row {row}")


@lru_cache(maxsize=1)
def _images(path: str, group: int, column: str) -> Any:
    return open_parquet(path).read_row_group(group, columns=[column]).column(0)


def _state(entry: os.DirEntry[str]) -> str:
    try:
        stat = entry.stat()
    except OSError:  # a link that leads nowhere: told where the image is read
        return "-"
    return f"{stat.st_size}\0{stat.st_mtime_ns}"


def _digest(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()[:16]
