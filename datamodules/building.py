"""How a packed store is built: chunk by chunk in a directory beside it. An interrupted build is resumed.

The directory ``<store>.partial`` holds ``images.npy``, which is filled in place, and ``journal``. When the images of a
chunk are written, its position, labels and checksums are appended to the journal. A killed build leaves both files.
The next build checks the records in the journal against their checksums and makes only the rest.
"""

from __future__ import annotations

import errno
import io
import json
import math
import os
import shutil
import struct
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = 2
MADE_BY = ("journal", "description.json")
SKIPPED = -2
"""The label of a record that could not be made. The finished store leaves such records out."""

Chunks = Generator[tuple[int, np.ndarray, np.ndarray], None, None]
"""(first position, images ``[n, C, H, W]`` uint8, labels ``[n, k]`` int8) in any order; covers what is not done."""
ENTRY = struct.Struct("<QI")  # first position, number of records


class _Partial:
    """A store that is being built."""

    def __init__(self, path: Path, shape: Sequence[int], attributes: int) -> None:
        self.path, self.shape = path, tuple(shape)
        self.labels = np.full((shape[0], attributes), -1, np.int8)
        self.checksums = np.zeros(shape[0], np.uint32)
        self.done = np.zeros(shape[0], bool)
        self.images, self.journal, self.described = (path / name for name in ("images.npy", *MADE_BY))
        self.record = math.prod(shape[1:])
        self.origin = 0

    def start(self, description: str) -> None:
        """Resume an interrupted build of the same description, or begin a new one."""
        if self._resumable(description):
            header = _header(self.shape)
            self.origin = len(header)
            with open(self.images, "r+b") as file:  # a build that failed in _compact has changed it
                file.write(header)
            self._replay()
            self.done &= ~(self.labels == SKIPPED).all(axis=1)  # try skipped images again
            return
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        self.images.write_bytes(_header(self.shape))  # not memory-mapped: a full disk would kill the process
        self.origin = self.images.stat().st_size
        self.journal.touch()
        self.described.write_text(description)

    def _resumable(self, description: str) -> bool:
        """Whether all files of an interrupted build of the same description exist."""
        complete = self.images.is_file() and self.journal.is_file() and self.described.is_file()
        return complete and self.described.read_bytes() == description.encode()

    def add(self, start: int, images: np.ndarray, labels: np.ndarray) -> None:
        """Write a chunk's images, then its entry in the journal."""
        covered = slice(start, start + len(images))
        self.labels[covered] = labels
        self.checksums[covered] = checksums(images, self.labels[covered])
        with open(self.images, "r+b") as file:
            file.seek(self.origin + start * self.record)
            file.write(images.tobytes())
        with open(self.journal, "ab") as file:
            file.write(ENTRY.pack(start, len(images)))
            file.write(self.labels[covered].tobytes() + self.checksums[covered].tobytes())
        self.done[covered] = True

    def _replay(self) -> None:
        """Mark the records of the journal whose checksums match as done."""
        journal, width = self.journal.read_bytes(), self.labels.shape[1]
        position = 0
        with open(self.images, "rb") as file:
            while position + ENTRY.size <= len(journal):
                start, n = ENTRY.unpack_from(journal, position)
                end = position + ENTRY.size + n * (width + 4)
                if end > len(journal) or start + n > self.shape[0]:
                    break  # the last entry is incomplete
                labels = np.frombuffer(journal, np.int8, n * width, position + ENTRY.size).reshape(n, width)
                sums = np.frombuffer(journal, np.uint32, n, end - 4 * n)
                file.seek(self.origin + start * self.record)
                content = file.read(n * self.record)
                if len(content) == n * self.record:
                    images = np.frombuffer(content, np.uint8).reshape(n, *self.shape[1:])
                    covered = slice(start, start + n)
                    self.labels[covered], self.checksums[covered] = labels, sums
                    self.done[covered] = checksums(images, labels) == sums
                position = end
        if position < len(journal):
            os.truncate(self.journal, position)

    def close(self, path: Path, description: Mapping[str, Any]) -> None:
        """Close the gaps of skipped records and rename the store to its final path."""
        order = self._compact()
        np.save(self.path / "labels.npy", self.labels[order])
        np.save(self.path / "checksums.npy", self.checksums[order])
        np.save(self.path / "order.npy", order.astype(np.int64))
        meta = {"format": FORMAT, "description": description, "order": zlib.crc32(order.astype(np.int64).tobytes())}
        (self.path / "store.json").write_text(json.dumps(meta, indent=2), "utf-8")
        for file in self.path.iterdir():
            _sync(file)
        os.replace(self.path, path)
        forget(path)  # last, so that a build killed before can still be resumed

    def _compact(self) -> np.ndarray:
        """Fill gaps with records from the end; returns ``order``: record i is at position order[i] of the source."""
        order = np.arange(self.shape[0])
        gaps = np.flatnonzero((self.labels == SKIPPED).all(axis=1))
        if not len(gaps):
            return order
        kept = self.shape[0] - len(gaps)
        if not kept:
            raise ValueError(f"not one of the {self.shape[0]:,} images of {self.path.with_suffix('')} could be decoded")
        moved = np.setdiff1d(np.arange(kept, self.shape[0]), gaps)
        with open(self.images, "r+b") as file:
            for source, target in zip(moved, gaps[gaps < kept], strict=True):
                file.seek(self.origin + int(source) * self.record)
                content = file.read(self.record)
                file.seek(self.origin + int(target) * self.record)
                file.write(content)
                order[target] = source
            file.truncate(self.origin + kept * self.record)
            file.seek(0)
            file.write(_header((kept, *self.shape[1:])))
        return order[:kept]


def _sync(file: Path) -> None:
    """Wait until a file is on the disk; otherwise a crash of the machine may leave its name without its content."""
    with open(file, "rb") as content:
        os.fsync(content.fileno())


def forget(path: Path) -> None:
    """Remove the build's own files from a finished store, where a killed build may have left them."""
    for name in MADE_BY:
        (path / name).unlink(missing_ok=True)


def build(
    path: Path,
    shape: Sequence[int],
    attributes: int,
    description: Mapping[str, Any],
    chunks: Callable[[np.ndarray], Chunks],
) -> None:
    """Build the store at ``path``, whose lock the caller holds.

    Args:
        path: of the store.
        shape: N, C, H, W.
        attributes: k.
        description: kept in the store.
        chunks: called with a mask ``[N]`` of the records that exist; makes the rest.

    Raises:
        ValueError: the directory can't be written to or is full; or raised by ``chunks``.
    """
    partial = _Partial(path.with_name(f"{path.name}.partial"), shape, attributes)
    with writing(path):
        partial.start(json.dumps(description, sort_keys=True))
    with closing(chunks(partial.done.copy())) as made:
        for start, images, labels in made:
            with writing(path, partial.path):
                partial.add(start, images, labels)
    if not partial.done.all():
        raise AssertionError(f"{int((~partial.done).sum())} records of {path} were never made")
    with writing(path, partial.path):
        partial.close(path, description)


@contextmanager
def writing(path: Path, half: Path | None = None) -> Iterator[None]:
    """Turn an ``OSError`` into an error for the user; on a full disk, remove the partial store ``half``."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        if full and half is not None:
            shutil.rmtree(half, ignore_errors=True)
        raise ValueError(
            f"{path} can't be written ({error.strerror or error}): "
            + ("make room there, or " if full else "")
            + "set data.root, data.store or FACET_CACHE to a directory that can, with room in it"
        ) from error


def checksums(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """CRC-32 of each record, ``[n]`` uint32."""
    sums = [zlib.crc32(labels[i].tobytes(), zlib.crc32(images[i])) for i in range(len(images))]
    return np.array(sums, dtype=np.uint32)


def _header(shape: Sequence[int]) -> bytes:
    """The header of ``images.npy``. NumPy pads it, so that its length is the same for any number of records."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": tuple(shape)})
    return buffer.getvalue()
