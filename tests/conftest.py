"""Settings of all tests: one thread per process, no access to the user's directories, and no network."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig

from facet import judge

# Hydra copies its store of settings for each config that it composes, a quarter of the time; nothing changes the copy.
ConfigStore.__deepcopy__ = lambda self, memo: self  # type: ignore[attr-defined]
judge.STEPS = 1  # the least of a judge's training; 150 steps with every few images would take most of the suite's time


def pytest_configure(config: pytest.Config) -> None:
    """Use one thread per process, and make a directory for shared data (``made_once.py``).

    The suite has a worker for every core, and its results must not depend on a machine's number of threads.
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # for processes that tests start
    torch.set_num_threads(1)
    gc.set_threshold(100_000, 50, 100)  # a worker holds many objects; to look at all of them often is slow
    if not hasattr(config, "workerinput"):  # workers inherit it
        os.environ["FACET_TESTS"] = tempfile.mkdtemp(prefix="facet-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ["FACET_TESTS"], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run folders with long tests first, so that all workers finish at about the same time."""
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
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)  # left by a command of another test
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium that is driven by Playwright; where one of them isn't installed, the test is skipped."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives Chromium")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()
