"""Runs on disk: where a run lives, whether it is finished, and writes that are whole or absent."""

from __future__ import annotations

import csv
import json
import math
import os
import pickle
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout
from omegaconf import DictConfig, OmegaConf

from facet.configuration import register_resolvers
from facet.errors import UserError

RESULTS_SCHEMA = 2  # of results.json


def _make(directory: Path) -> list[Path]:
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


def _unmake(made: list[Path]) -> None:
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


@dataclass(frozen=True)
class Run:
    """A run directory.

    Attributes:
        path: with ``config.yaml``, ``checkpoints/``, ``metrics.csv``, ``status.json`` and, once judged,
            ``results.json``.
    """

    path: Path

    @property
    def status(self) -> str:
        """``finished``, ``failed``, ``interrupted``, ``running`` or ``absent``."""
        return str(read_json(self.path / "status.json").get("status", "absent"))

    @property
    def checkpoint(self) -> Path:
        """The last checkpoint: tables use no other."""
        return self.path / "checkpoints" / "last.ckpt"

    def finished_epochs(self) -> int:
        """How many epochs the last checkpoint has behind it."""
        return int(self.saved()["epoch"]) + 1

    def saved(self) -> dict[str, Any]:
        """What the last checkpoint holds, on the CPU.

        Raises:
            UserError: it can't be read.
        """
        import torch

        try:
            saved: dict[str, Any] = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise UserError(f"the checkpoint {self.checkpoint} can't be read") from error
        return saved

    def metrics(self) -> dict[str, list[tuple[int, float]]]:
        """The curves of ``metrics.csv``: (step, value) by name, in the order of steps."""
        curves: dict[str, list[tuple[int, float]]] = {}
        try:
            with (self.path / "metrics.csv").open(newline="", encoding="utf-8") as file:
                for line in csv.DictReader(file):
                    step = int(float(line.pop("step", "") or 0))
                    for name, text in line.items():
                        if text and name != "epoch" and math.isfinite(float(text)):
                            curves.setdefault(name, []).append((step, float(text)))
        except (OSError, ValueError, TypeError):  # absent, or cut off in the middle of a line: what was read counts
            pass
        return {name: sorted(points) for name, points in curves.items()}

    @contextmanager
    def owned(self) -> Iterator[None]:
        """The run directory is this process's alone; it goes again if nothing came of it.

        Raises:
            UserError: another process is training in it.
        """
        made = _make(self.path)
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UserError(f"another process is training {self.path}: wait, or choose another run_dir") from None
        try:
            yield
        finally:
            if [file.name for file in self.path.iterdir()] == [".lock"]:
                (self.path / ".lock").unlink()
            lock.release()
            _unmake(made)

    def claim(self) -> None:
        """Find out that the run directory can be written to, and leave nothing.

        Raises:
            UserError: it can't.
        """
        try:
            made = _make(self.path)
            with tempfile.TemporaryFile(dir=self.path):
                pass
            _unmake(made)
        except OSError as error:
            raise UserError(
                f"the run directory {self.path} can't be written ({error.strerror}): set runs= or run_dir="
            ) from error

    def clear(self) -> None:
        """Forget what was trained and judged here."""
        for path in (self.checkpoint, *(self.path / name for name in ("metrics.csv", "results.json", "examples.npz"))):
            path.unlink(missing_ok=True)
        for directory in ("grids", "stages"):
            shutil.rmtree(self.path / directory, ignore_errors=True)

    def stages(self) -> list[Path]:
        """What the stages of a progressively grown model left, from the narrowest.

        Raises:
            UserError: nothing.
        """
        found = sorted((self.path / "stages").glob("*.ckpt"), key=lambda path: (len(path.name), path.name))
        if not found:
            raise UserError(f"{self.path} has no finished stage: train it first with facet-train")
        return found

    def mark(self, status: str, **details: Any) -> None:
        """Write ``status.json``."""
        write_json(self.path / "status.json", {"status": status, **details})

    def config(self) -> DictConfig:
        """The config it was trained with.

        Raises:
            UserError: no run directory, or one without a checkpoint.
        """
        file = self.path / "config.yaml"
        if not file.is_file():
            raise UserError(f"{self.path} is not a run directory: it has no config.yaml")
        if not self.checkpoint.is_file():
            raise UserError(f"{self.path} has no checkpoint (status: {self.status}): train it first with facet-train")
        register_resolvers()  # of what each machine resolves for itself
        config = OmegaConf.load(file)
        assert isinstance(config, DictConfig)
        return config


def revision() -> str:
    """The git revision of the code, with ``+`` where files differ from it; ``unknown`` outside a checkout."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():  # installed: a repository around it is somebody else's
        return "unknown"
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=10", "--dirty=+", "--exclude=*"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()
