"""Shared by all tests: one thread each, nothing read from or written to the user's own directories, nothing sent."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
import torch
from hydra.core.hydra_config import HydraConfig


def pytest_configure(config: pytest.Config) -> None:
    """One thread in every process, and one place for what is made once (``made_once.py``).

    The suite has a worker for every core, and figures don't depend on how many threads a machine has.
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that tests start
    torch.set_num_threads(1)
    if not hasattr(config, "workerinput"):  # not a worker, which inherits it
        os.environ["FACET_TESTS"] = tempfile.mkdtemp(prefix="facet-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ["FACET_TESTS"], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Folders of long tests first, so that no worker is left with one when the others have nothing to do."""
    last = ("jacsup", "aif", "datamodules")
    here = Path(__file__).parent

    def turn(item: pytest.Item) -> int:
        folder = item.path.relative_to(here).parts[0]
        return last.index(folder) + 1 if folder in last else 0

    items.sort(key=turn)


@pytest.fixture(autouse=True)
def _sealed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACET_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("FACET_DATA", raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)  # a command that another test ran: its choices aren't ours
    torch.manual_seed(0)
