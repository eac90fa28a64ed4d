"""Files that are whole or absent, and directories that go again if nothing came of them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
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
    """Write a file beside its place, then rename it into it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())  # else a machine that goes down may leave the name of a file without its content
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


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
