"""Runs on disk: what a run directory holds, and whether the run is finished."""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from omegaconf import DictConfig

from facet import checkpoints
from facet.errors import RemovedError, UserError
from facet.files import make_directory, unmake, write_json
from facet.metrics import rows
from facet.records import known, read_config, read_status


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
        return str(self.noted().get("status", "absent"))

    def noted(self) -> dict[str, Any]:
        """What ``status.json`` says; nothing where it can't be read."""
        return known(read_status, self.path / "status.json")

    @property
    def checkpoint(self) -> Path:
        """The last checkpoint: tables use no other."""
        return self.path / "checkpoints" / "last.ckpt"

    def saved(self) -> dict[str, Any]:
        """What the last checkpoint holds, on the CPU.

        Raises:
            UserError: it can't be read.
        """
        return checkpoints.read(self.checkpoint)

    def metrics(self, over: Literal["step", "epoch"] = "step") -> dict[str, list[tuple[int, float]]]:
        """The curves of ``metrics.csv``: (step or epoch, value) by name, in this order."""
        curves: dict[str, list[tuple[int, float]]] = {}
        for row in rows(self.path / "metrics.csv"):
            for name, text in row.items():
                if name not in ("step", "epoch") and over in row and math.isfinite(float(text)):
                    curves.setdefault(name, []).append((int(float(row[over])), float(text)))
        return {name: sorted(points) for name, points in curves.items()}

    @contextmanager
    def owned(self) -> Iterator[None]:
        """The run directory is this process's alone; it goes again if nothing came of it.

        Raises:
            UserError: another process is training in it.
        """
        made: list[Path] | None = make_directory(self.path)
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UserError(f"another process is training {self.path}: wait, or choose another run_dir") from None
        try:
            yield
        except RemovedError:
            made = None  # what is there now is another's
            raise
        finally:
            left = [file.name for file in self.path.iterdir()] if self.path.is_dir() else []  # somebody removed it
            if made is not None and left == [".lock"]:
                (self.path / ".lock").unlink()
            lock.release()
            unmake(made or [])

    def claim(self) -> None:
        """Find out that the run directory can be written to, and leave nothing.

        Raises:
            UserError: it can't, or it is a folder of somebody's, of which a training would clear away files.
        """
        try:
            there = {file.name for file in self.path.iterdir()} if self.path.is_dir() else set()
            of_a_run = {"config.yaml", "status.json", ".lock"}
            if there - {"wandb"} and not there & of_a_run:  # W&B's outlives a removed run
                raise UserError(f"{self.path} holds other files and no run: choose a run_dir that is new or empty")
            made = make_directory(self.path)
            with tempfile.TemporaryFile(dir=self.path):
                pass
            unmake(made)
        except OSError as error:
            raise UserError(
                f"the run directory {self.path} can't be written ({error.strerror}): set runs= or run_dir="
            ) from error

    def clear(self) -> None:
        """Forget what was trained and judged here."""
        for name in ("metrics.csv", "results.json", "examples.npz"):
            (self.path / name).unlink(missing_ok=True)
        for directory in ("checkpoints", "grids", "stages"):
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
            UserError: no run directory, one without a checkpoint, or a config that no training has written.
        """
        file = self.path / "config.yaml"
        if not file.is_file():
            raise UserError(f"{self.path} is not a run directory: it has no config.yaml")
        if not self.checkpoint.is_file():
            raise UserError(f"{self.path} has no checkpoint (status: {self.status}): train it first with facet-train")
        return read_config(file)


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
