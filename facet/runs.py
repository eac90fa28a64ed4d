"""Run directories: the files of a run, its status, and exclusive access to it."""

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
        path: the directory. It holds ``config.yaml``, ``checkpoints/``, ``metrics.csv``, ``status.json`` and, once the
            run is judged, ``results.json``.
    """

    path: Path

    @property
    def status(self) -> str:
        """``finished``, ``failed``, ``interrupted``, ``running`` or ``absent``."""
        return str(self.noted().get("status", "absent"))

    def noted(self) -> dict[str, Any]:
        """The content of ``status.json``; empty if it can't be read."""
        return known(read_status, self.path / "status.json")

    @property
    def checkpoint(self) -> Path:
        """The last checkpoint, which is the only one that tables use."""
        return self.path / "checkpoints" / "last.ckpt"

    def saved(self) -> dict[str, Any]:
        """The content of the last checkpoint, on the CPU.

        Raises:
            UserError: it can't be read.
        """
        return checkpoints.read(self.checkpoint)

    def metrics(self, over: Literal["step", "epoch"] = "step") -> dict[str, list[tuple[int, float]]]:
        """The curves of ``metrics.csv``: by name, (step or epoch, value) in this order."""
        curves: dict[str, list[tuple[int, float]]] = {}
        for row in rows(self.path / "metrics.csv"):
            for name, text in row.items():
                if name not in ("step", "epoch") and over in row and math.isfinite(float(text)):
                    curves.setdefault(name, []).append((int(float(row[over])), float(text)))
        return {name: sorted(points) for name, points in curves.items()}

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Make the run directory and lock it for this process; the directory is removed again if left empty.

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
            made = None  # another run's directory may be there now: keep it
            raise
        finally:
            left = [file.name for file in self.path.iterdir()] if self.path.is_dir() else []  # it may be removed
            if made is not None and left == [".lock"]:
                (self.path / ".lock").unlink()
            lock.release()
            unmake(made or [])

    def claim(self) -> None:
        """Check that the run directory can be written to, and leave no trace.

        Raises:
            UserError: it can't be written, or it holds other files, which a training might delete.
        """
        try:
            there = {file.name for file in self.path.iterdir()} if self.path.is_dir() else set()
            of_a_run = {"config.yaml", "status.json", ".lock"}
            if there - {"wandb"} and not there & of_a_run:  # W&B's folder may be left of a removed run
                raise UserError(f"{self.path} has files but no run: choose a new or empty run_dir")
            made = make_directory(self.path)
            with tempfile.TemporaryFile(dir=self.path):
                pass
            unmake(made)
        except OSError as error:
            raise UserError(
                f"the run directory {self.path} can't be written ({error.strerror}): set runs= or run_dir="
            ) from error

    def clear(self) -> None:
        """Delete the results of an earlier training and evaluation."""
        for name in ("metrics.csv", "results.json", "examples.npz"):
            (self.path / name).unlink(missing_ok=True)
        for directory in ("checkpoints", "grids", "stages"):
            shutil.rmtree(self.path / directory, ignore_errors=True)

    def stages(self) -> list[Path]:
        """The files of the finished stages of a progressively grown model, the narrowest first.

        Raises:
            UserError: there are none.
        """
        stages = sorted((self.path / "stages").glob("*.ckpt"), key=lambda path: (len(path.name), path.name))
        if not stages:
            raise UserError(f"{self.path} has no finished stage: train it first with facet-train")
        return stages

    def mark(self, status: str, **details: Any) -> None:
        """Write ``status.json``."""
        write_json(self.path / "status.json", {"status": status, **details})

    def config(self) -> DictConfig:
        """The config that the run was trained with.

        Raises:
            UserError: there is no run directory or no checkpoint, or no training writes such a config.
        """
        file = self.path / "config.yaml"
        if not file.is_file():
            raise UserError(f"{self.path} is not a run directory: it has no config.yaml")
        if not self.checkpoint.is_file():
            raise UserError(f"{self.path} has no checkpoint (status: {self.status}): train it first with facet-train")
        return read_config(file)


def revision() -> str:
    """The git revision of the code, with ``+`` if files differ from it; ``unknown`` outside a checkout."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():  # installed: a repository around the package isn't ours
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


def versions() -> Iterator[tuple[str, str]]:
    """(name, version) of the software that affects the numbers."""
    import platform
    from importlib.metadata import version

    yield "python", platform.python_version()
    for name in ("torch", "torchvision", "pytorch-lightning", "torchmetrics", "hydra-core", "numpy"):
        yield name, version(name)
