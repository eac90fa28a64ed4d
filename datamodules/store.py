"""The packed store that every data set shares: uint8 images and labels, memory-mapped, written once.

A store is a directory: ``images.npy`` ``[N, C, H, W]`` uint8, ``labels.npy`` ``[N, k]`` int8 (-1 = unknown),
``checksums.npy`` ``[N]`` (CRC-32 of each record) and ``store.json``, written last. It is built beside its place under a
lock and renamed into it, so it is absent or whole, whatever happens; two processes that start at once build it once.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import BaseFileLock, FileLock, Timeout

FORMAT = 1
FILES = ("images.npy", "labels.npy", "checksums.npy")

_verified: set[tuple[object, ...]] = set()  # what this process has checked and nobody has written to since

Chunks = Generator[tuple[int, np.ndarray, np.ndarray], None, None]
"""(first position, images ``[n, C, H, W]`` uint8, labels ``[n, k]`` int8), in any order, covering every position."""


class CorruptStoreError(ValueError):
    """A store that isn't what was written."""


@dataclass(frozen=True)
class PackedStore:
    """An opened store.

    Attributes:
        path: its directory.
        images: ``[N, C, H, W]`` uint8, memory-mapped; writing to it changes a private copy, not the file.
        labels: ``[N, k]`` int8 in {0, 1}, -1 where unknown.
        description: what was stored: settings, versions, attribute names, splits.
    """

    path: Path
    images: np.ndarray
    labels: np.ndarray
    description: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path) -> PackedStore:
        """Open a store and check every record's checksum.

        Raises:
            CorruptStoreError: a file is missing, cut short or changed.
        """
        try:
            meta = json.loads((path / "store.json").read_text("utf-8"))
            images = np.load(path / "images.npy", mmap_mode="c")
            labels = np.load(path / "labels.npy")
            checksums = np.load(path / "checksums.npy")
        except (OSError, ValueError, EOFError) as error:
            raise CorruptStoreError(f"{path}: {error}") from error
        if not isinstance(meta, dict) or meta.get("format") != FORMAT or "description" not in meta:
            raise CorruptStoreError(f"{path}: store.json isn't what was written")
        if not len(images) == len(labels) == len(checksums):
            raise CorruptStoreError(f"{path}: its files don't belong together")
        state = (str(path.resolve()), *((path / name).stat().st_mtime_ns for name in FILES))
        if state not in _verified:
            if not np.array_equal(checksums, _checksums(images, labels)):
                raise CorruptStoreError(f"{path}: records changed since they were written")
            _verified.add(state)
        return cls(path, images, labels, meta["description"])


def fingerprint(description: Mapping[str, Any]) -> str:
    """Twelve hex digits that change with anything in a description."""
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:12]


def open_or_build(
    path: Path,
    shape: Sequence[int],
    attributes: int,
    description: Mapping[str, Any],
    chunks: Callable[[], Chunks],
    say: Callable[[str], None],
) -> PackedStore:
    """Open the store at ``path``, building it first where it is absent and again where it is corrupt.

    Args:
        path: where it belongs; its parent is created.
        shape: N, C, H, W.
        attributes: k.
        description: kept in the store.
        chunks: called when it must be built.
        say: gets one line where something was found corrupt.

    Raises:
        ValueError: the place can't be written to, or is full.
    """
    if os.path.exists(path):
        with suppress(CorruptStoreError):  # said and mended below, by whoever holds the lock
            return _open_as(path, description)
    with _writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _acquire(path, say)
    try:
        if os.path.exists(path):
            try:
                return _open_as(path, description)
            except CorruptStoreError as error:
                say(f"corrupt store, built again: {error}")
                with _writing(path):
                    shutil.rmtree(path)
        with closing(chunks()) as all_chunks:
            _build(path, shape, attributes, description, all_chunks)
        return PackedStore.open(path)
    finally:
        lock.release()


def _open_as(path: Path, description: Mapping[str, Any]) -> PackedStore:
    store = PackedStore.open(path)
    if store.description != json.loads(json.dumps(description)):
        raise CorruptStoreError(f"{path}: its description isn't what was written")
    return store


def _acquire(path: Path, say: Callable[[str], None]) -> BaseFileLock:
    lock = FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=1)
    except Timeout:
        say(f"another process is building {path}: waiting for it")
        lock.acquire()
    return lock


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ValueError(
            f"{path} can't be written ({error.strerror or error}): "
            "set data.root or FACET_CACHE to a directory that can, with room in it"
        ) from error


def _build(path: Path, shape: Sequence[int], attributes: int, description: Mapping[str, Any], chunks: Chunks) -> None:
    partial = path.with_name(f"{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # a killed build's: its lock is gone, or we would not be here
    try:
        with _writing(path):
            partial.mkdir()
        labels = np.empty((shape[0], attributes), np.int8)
        checksums = np.empty(shape[0], np.uint32)
        images = partial / "images.npy"  # written, not mapped: a disk that fills up would kill the process
        with _writing(path), open(images, "wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": tuple(shape)})
            origin, record = file.tell(), math.prod(shape[1:])
        for start, some_images, some_labels in chunks:
            covered = slice(start, start + len(some_images))
            labels[covered] = some_labels
            checksums[covered] = _checksums(some_images, labels[covered])
            with _writing(path), open(images, "r+b") as file:
                file.seek(origin + start * record)
                file.write(some_images.tobytes())
        with _writing(path):
            np.save(partial / "labels.npy", labels)
            np.save(partial / "checksums.npy", checksums)
            meta = json.dumps({"format": FORMAT, "description": description}, indent=2)
            (partial / "store.json").write_text(meta, "utf-8")
            os.replace(partial, path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _checksums(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.array(
        [zlib.crc32(labels[i].tobytes(), zlib.crc32(images[i])) for i in range(len(images))], dtype=np.uint32
    )


def data_directory(name: str, root: str | os.PathLike[str] | None) -> Path:
    """Where a data set is looked for: ``root``, else ``$FACET_DATA/<name>`` if there is one, else the user's cache."""
    if root is not None:
        return Path(root).expanduser()
    shared = os.environ.get("FACET_DATA")
    if shared and (Path(shared).expanduser() / name).is_dir():
        return Path(shared).expanduser() / name
    return cache_directory(name)


def cache_directory(name: str) -> Path:
    """``$FACET_CACHE/<name>``, else ``facet/<name>`` in the user's cache directory."""
    if os.environ.get("FACET_CACHE"):
        return Path(os.environ["FACET_CACHE"]).expanduser() / name
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "facet" / name
