"""Finds onnxruntime-web, which runs a model inside a page: in a folder, in the cache, or fetched with npm."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from operator import methodcaller
from pathlib import Path

from filelock import FileLock

from facet.commands import say
from facet.errors import UserError
from facet.files import atomic_write

VERSION = "1.30.0"
"""Of the npm package, so that every page is made with the same."""
GLUE, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
PLACES = ("", "dist", "package/dist", "onnxruntime-web/dist", "node_modules/onnxruntime-web/dist")


@dataclass(frozen=True)
class Runtime:
    """onnxruntime-web.

    Attributes:
        glue: the JavaScript, an ES module.
        wasm: the WebAssembly binary.
    """

    glue: bytes
    wasm: bytes


def runtime(folder: str | None) -> Runtime:
    """onnxruntime-web from a folder; without one from the cache, where npm puts it the first time.

    Raises:
        UserError: the folder doesn't hold it, or npm is missing or fails.
    """
    if folder is not None:
        if (found := _in(Path(folder))) is None:
            raise UserError(f"wasm={folder} holds no {GLUE} and {WASM}: give the npm package onnxruntime-web")
        return found
    cached = _cache() / "onnxruntime-web" / VERSION
    return _in(cached) or _fetched(cached)


def _cache() -> Path:
    """``$FACET_CACHE``, else ``facet`` in the user's cache directory, as data sets have it."""
    if os.environ.get("FACET_CACHE"):
        return Path(os.environ["FACET_CACHE"]).expanduser()
    of_user = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (of_user if of_user.is_absolute() else Path("~/.cache").expanduser()) / "facet"


def _in(folder: Path) -> Runtime | None:
    for place in PLACES:
        glue, wasm = folder / place / GLUE, folder / place / WASM
        if glue.is_file() and wasm.is_file():
            return Runtime(glue.read_bytes(), wasm.read_bytes())
    return None


def _fetched(cached: Path) -> Runtime:
    """Fetch the package with npm, and keep its two files in the cache."""
    npm = shutil.which("npm")
    by_hand = f"or give a folder with the package onnxruntime-web {VERSION}: wasm=FOLDER"
    if npm is None:
        raise UserError(f"to=page needs npm, to fetch onnxruntime-web once: install it (with Node.js), {by_hand}")
    try:
        cached.mkdir(parents=True, exist_ok=True)
        with FileLock(cached / ".lock"), tempfile.TemporaryDirectory() as place:
            if found := _in(cached):  # another process has fetched it meanwhile
                return found
            say(f"fetching onnxruntime-web {VERSION} with npm, once (33 MB)")
            command = [npm, "pack", "--silent", "--prefer-offline", f"onnxruntime-web@{VERSION}"]
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=600)
            archives = list(Path(place).glob("*.tgz"))
            if done.returncode or not archives:
                lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
                raise UserError(f"npm can't fetch onnxruntime-web {VERSION} ({lines[0][:200]}): try again, {by_hand}")
            with tarfile.open(archives[0]) as archive:
                for name in (GLUE, WASM):
                    member = archive.extractfile(f"package/dist/{name}")
                    assert member is not None, name
                    atomic_write(cached / name, methodcaller("write", member.read()))
    except (OSError, subprocess.SubprocessError, tarfile.TarError, KeyError) as error:
        raise UserError(f"onnxruntime-web can't be kept in {cached} ({error}): set FACET_CACHE, {by_hand}") from error
    found = _in(cached)
    assert found is not None
    return found
