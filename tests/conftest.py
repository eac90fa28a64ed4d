"""Shared by all tests: one thread each, nothing read from or written to the user's own directories, nothing sent."""

import os

import pytest
import torch


def pytest_configure() -> None:
    """One thread in every process: the suite has a worker for every core, and figures don't depend on how many."""
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that tests start
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _sealed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACET_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("FACET_DATA", raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")
    torch.manual_seed(0)
