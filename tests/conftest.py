"""Shared by all tests: nothing is read from or written to the user's own directories, and nothing is sent anywhere."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _sealed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACET_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("FACET_DATA", raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")
    torch.manual_seed(0)
