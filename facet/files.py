"""Atomic writing of files, and directories that are removed again if left empty."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any


def make_directory(directory: Path) -> list[Path]:
    """Make a directory; returns the directories that did not exist before, the innermost first (:func:`unmake`)."""
    absolute = directory.absolute()
    for left in reversed(range(20)):
        made = [path for path in (absolute, *absolute.parents) if not path.exists()]
        try:
            directory.mkdir(parents=True, exist_ok=True)
            break
        except (FileNotFoundError, FileExistsError):  # another run of the sweep is removing a common parent
            if not left:
                raise
    return made


def unmake(made: list[Path]) -> None:
    """Remove directories that :func:`make_directory` made, if they are empty."""
    with suppress(OSError):  # not empty
        for path in made:
            path.rmdir()


def atomic_write(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a temporary file in the same directory, then rename it to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # One fixed name: the next writer reuses what a killed process leaves.
    new = path.with_name(f".{path.name}.new")
    with _alone(new) as file:
        try:
            write(file)
            file.flush()
            os.fsync(file.fileno())  # without it, a crash of the machine may leave a renamed but empty file
            os.replace(new, path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise


@contextmanager
def _alone(path: Path) -> Iterator[IO[bytes]]:
    """An empty file, locked for this process; waits for the lock."""
    while True:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "wb") as file:
            with suppress(OSError):  # the file system has no locks
                fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_at(file, path):  # another process held the lock and renamed the file
                continue
            os.ftruncate(file.fileno(), 0)
            yield file
            return


def _is_at(file: IO[bytes], path: Path) -> bool:
    """Whether an open file is still the one at a path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON atomically."""
    atomic_write(path, lambda file: file.write((json.dumps(content, indent=2) + "\n").encode()))


def read_json(path: Path) -> dict[str, Any]:
    """Read JSON; an absent or broken file is an empty dict."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
