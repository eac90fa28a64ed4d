"""Run directories with invented results (``invented_runs.py``)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from invented_runs import results, write_run


@pytest.fixture(scope="module")
def shared_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[int, Path]]:
    """``make_run`` for all tests of a module."""
    root = tmp_path_factory.mktemp("runs")

    def make(row: str, seed: int = 0, **given: Any) -> tuple[int, Path]:
        return seed, write_run(root / row / f"seed{seed}", results(row, seed, **given))

    return make


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., tuple[int, Path]]:
    """Write a run of a row and a seed; returns (seed, directory)."""

    def make(row: str, seed: int = 0, **given: Any) -> tuple[int, Path]:
        return seed, write_run(tmp_path / "runs" / row / f"seed{seed}", results(row, seed, **given))

    return make
