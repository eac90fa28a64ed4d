"""Files that are whole or absent, and directories that go again if nothing came of them."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any


def make_directory(directory: Path) -> list[Path]:
    """Make a directory; returns what had to be made, from the innermost outwards."""
    absolute = directory.absolute()  # whoever is asked to leave nothing must not take what was there
    for left in reversed(range(20)):
        made = [path for path in (absolute, *absolute.parents) if not path.exists()]
        try:
            directory.mkdir(parents=True, exist_ok=True)
            break
        except (FileNotFoundError, FileExistsError):  # another run of the sweep is unmaking what both are in
            if not left:
                raise
    return made


def unmake(made: list[Path]) -> None:
    """Remove directories that were made, unless something is in them now."""
    with suppress(OSError):  # not empty
        for path in made:
            path.rmdir()


def atomic_write(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a file beside its place, then rename it into it.

    What a killed process leaves of it has one name, and the next one to write the file takes it over.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    with _alone(new) as file:
        try:
            write(file)
            file.flush()
            os.fsync(file.fileno())  # else a machine that goes down may leave the name of a file without its content
            os.replace(new, path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise


@contextmanager
def _alone(path: Path) -> Iterator[IO[bytes]]:
    """An empty file to write to, which no other process writes to meanwhile: it waits until it has it."""
    while True:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "wb") as file:
            with suppress(OSError):  # a filesystem that has no locks
                fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_at(file, path):  # another process had it, and has renamed it
                continue
            os.ftruncate(file.fileno(), 0)
            yield file
            return


def _is_at(file: IO[bytes], path: Path) -> bool:
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
