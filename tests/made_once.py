"""Data that many tests read and none changes, made once for all of pytest's workers, in ``conftest.py``'s directory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from filelock import FileLock

from datamodules.celeba_drawn import draw_celeba


def avatars() -> Path:
    """A shared ``data.root`` for avatars; stores and judges are locked while they are made."""
    return Path(os.environ["FACET_TESTS"]) / "avatars"


def copy_of_celeba(root: Path, size: int) -> None:
    """A copy of the shared result of ``draw_celeba``, which the test may change."""
    drawn = Path(os.environ["FACET_TESTS"]) / f"celeba{size}"
    with FileLock(f"{drawn}.lock"):
        if not drawn.is_dir():
            half = drawn.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            draw_celeba(half, size)
            half.rename(drawn)
    shutil.copytree(drawn, root, dirs_exist_ok=True)
