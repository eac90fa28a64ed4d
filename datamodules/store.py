"""The packed store of a split: uint8 images and labels, written once and memory-mapped.

A store is a directory: ``images.npy`` ``[N, C, H, W]`` uint8, ``labels.npy`` ``[N, k]`` int8 (-1 = unknown),
``checksums.npy`` ``[N]`` (CRC-32 of each record), ``order.npy`` ``[N]`` (each record's position in its source),
``store.json``, and ``verified.json`` (the state of the files when every record was last checked). It is built under a
lock in a directory beside it, which is then renamed (:mod:`datamodules.building`). So a store is either missing or
complete, and two processes that start together build it once.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import BaseFileLock, FileLock, Timeout

from datamodules.building import FORMAT, Chunks, build, checksums, forget, writing

KINDS = {  # file -> type and dimensions
    "images.npy": (np.dtype(np.uint8), 4),
    "labels.npy": (np.dtype(np.int8), 2),
    "checksums.npy": (np.dtype(np.uint32), 1),
    "order.npy": (np.dtype(np.int64), 1),
}
FILES = tuple(KINDS)
VERIFIED = "verified.json"  # sizes and times of the files when every record was last checked


class CorruptStoreError(ValueError):
    """A damaged store."""


class OldStoreError(CorruptStoreError):
    """A store of an older or newer version of the format or of its data set."""


@dataclass(frozen=True)
class PackedStore:
    """An opened store.

    Attributes:
        path: its directory.
        images: ``[N, C, H, W]`` uint8, memory-mapped copy-on-write: writing to it does not change the file.
        labels: ``[N, k]`` int8, -1 where unknown.
        order: ``[N]``, each record's position in its source.
        description: settings, versions, attribute names and split of the records.
    """

    path: Path
    images: np.ndarray
    labels: np.ndarray
    order: np.ndarray
    description: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path, verify: bool = False, record: Sequence[int] | None = None) -> PackedStore:
        """Open a store, and check every record's checksum if a file has changed since the last check.

        Args:
            path: its directory.
            verify: check in any case.
            record: C, H, W and k if known; checksums do not cover the shape.

        Raises:
            CorruptStoreError: a file is missing, cut short or changed.
        """
        try:
            meta = json.loads((path / "store.json").read_text("utf-8"))
            if isinstance(meta, dict) and meta.get("format", FORMAT) != FORMAT:
                raise OldStoreError(f"{path} has format {meta['format']}, this version reads {FORMAT}")
            images = np.load(path / "images.npy", mmap_mode="c")
            labels, sums, order = (np.load(path / name) for name in FILES[1:])
        except OldStoreError:
            raise
        except Exception as error:  # NumPy raises errors of many types for a damaged file
            raise CorruptStoreError(f"{path}: {error}") from error
        if not isinstance(meta, dict) or not isinstance(meta.get("description"), dict):
            raise CorruptStoreError(f"{path}: store.json isn't what was written")
        for name, array in zip(FILES, (images, labels, sums, order), strict=True):
            if not isinstance(array, np.ndarray) or (array.dtype, array.ndim) != KINDS[name] or not array.flags.carray:
                raise CorruptStoreError(f"{path}: {name} isn't what was written")
        if not len(images) == len(labels) == len(sums) == len(order):
            raise CorruptStoreError(f"{path}: its files don't belong together")
        if record is not None and (*images.shape[1:], labels.shape[1]) != tuple(record):
            raise CorruptStoreError(f"{path}: its records have another shape than was written")
        state = json.dumps([_state(path / name) for name in (*FILES, "store.json")])
        if verify or _read(path / VERIFIED) != state:
            if zlib.crc32(order.tobytes()) != meta.get("order"):
                raise CorruptStoreError(f"{path}: order.npy changed since it was written")
            if changed := np.flatnonzero(sums != _checksums_on_disk(path / "images.npy", images, labels)).tolist():
                raise CorruptStoreError(
                    f"{path}: {len(changed)} records changed since they were written, first {changed[0]}"
                )
            with suppress(OSError):  # if it can't be written, the next process checks again
                _replace(path / VERIFIED, state)
        return cls(path, images, labels, order, meta["description"])


def _checksums_on_disk(file: Path, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """:func:`datamodules.building.checksums`, read in pieces: a memory map would take as much memory as the file."""
    sums, length = [], max(1, 2**24 // max(1, images[:1].nbytes))
    with file.open("rb") as content:
        content.seek(images.offset if isinstance(images, np.memmap) else 0)
        for start in range(0, len(images), length):
            piece = labels[start : start + length]
            shape = (len(piece), *images.shape[1:])
            records = np.frombuffer(content.read(len(piece) * images[:1].nbytes), np.uint8).reshape(shape)
            sums.append(checksums(records, piece))
    return np.concatenate(sums) if sums else np.empty(0, np.uint32)


def _state(file: Path) -> list[int]:
    stat = file.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino]


def _read(file: Path) -> str | None:
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return None


def _replace(file: Path, text: str) -> None:
    """Write a file under another name and rename it. If this process is killed, the next one overwrites that name."""
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, "utf-8")
    os.replace(new, file)


def fingerprint(description: Mapping[str, Any]) -> str:
    """A hash of a description, twelve hexadecimal digits."""
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:12]


def open_or_build(
    path: Path,
    shape: Sequence[int],
    attributes: int,
    description: Mapping[str, Any],
    chunks: Callable[[np.ndarray], Chunks],
    say: Callable[[str], None],
) -> PackedStore:
    """Open the store at ``path``. Build it if it is missing, and again if it is damaged or old.

    Args:
        path: of the store; its parent is created.
        shape: N, C, H, W.
        attributes: k.
        description: kept in the store.
        chunks: called if the store must be built, with a mask ``[N]`` of the records that an interrupted build made.
        say: called with a message if the store is built again.

    Raises:
        ValueError: the directory can't be written to or is full.
    """
    record = (*shape[1:], attributes)
    if os.path.exists(path):
        with suppress(CorruptStoreError):  # reported and built again below, under the lock
            store = _open_as(path, record, description)
            with suppress(OSError):  # the directory may be read-only
                forget(path)
            return store
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _acquire(path, say)
    try:
        if os.path.exists(path):
            try:
                return _open_as(path, record, description)
            except CorruptStoreError as error:
                say(f"{'old' if isinstance(error, OldStoreError) else 'corrupt'} store, built again: {error}")
                with writing(path):
                    shutil.rmtree(path)
        build(path, shape, attributes, description, chunks)
        return PackedStore.open(path)
    finally:
        lock.release()


def _open_as(path: Path, record: Sequence[int], description: Mapping[str, Any]) -> PackedStore:
    store = PackedStore.open(path, record=record)
    expected, stored = json.loads(json.dumps(description)), dict(store.description)
    if stored != expected:
        versions = stored.pop("version", None), expected.pop("version", None)
        if stored == expected:
            raise OldStoreError(f"{path} was made by version {versions[0]} of its data set, this is {versions[1]}")
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


def data_directory(name: str, root: str | os.PathLike[str] | None) -> Path:
    """Directory of a data set: ``root``, else ``$FACET_DATA/<name>`` if it exists, else the user's cache directory.

    Raises:
        ValueError: ``root`` is empty, which would mean the working directory.
    """
    if root is not None:
        return _place("data.root", root)
    shared = os.environ.get("FACET_DATA")
    if shared and (Path(shared).expanduser() / name).is_dir():
        return Path(shared).expanduser() / name
    return cache_directory(name)


def store_directory(name: str, store: str | None) -> Path:
    """Directory of a data set's packed stores: ``store``, else the user's cache directory.

    Raises:
        ValueError: ``store`` is empty.
    """
    return cache_directory(name) if store is None else _place("data.store", store)


def _place(key: str, path: str | os.PathLike[str]) -> Path:
    if not os.fspath(path).strip():
        raise ValueError(f"{key}= is empty: set it to a directory, or leave it out")
    return Path(path).expanduser()


def cache_directory(name: str) -> Path:
    """``$FACET_CACHE/<name>``, else ``facet/<name>`` in the user's cache directory.

    An empty or relative ``$XDG_CACHE_HOME`` is ignored (XDG Base Directory Specification).
    """
    if os.environ.get("FACET_CACHE"):
        return Path(os.environ["FACET_CACHE"]).expanduser() / name
    of_user = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (of_user if of_user.is_absolute() else Path("~/.cache").expanduser()) / "facet" / name
