"""What training draws hangs on its seed and its steps, not on what is done beside them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import torch
from tiny import tiny

from facet.runs import Run
from facet.train import train

ERASURE = ("ablation=erasure", "model.erasure.images=60")  # encoding draws noise, too


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("random")


def trained(root: Path, *more: str) -> dict[str, torch.Tensor]:
    run_dir = tempfile.mkdtemp(dir=root)  # of its own: where data lie doesn't make another run
    state: dict[str, torch.Tensor] = Run(train(tiny(root, f"run_dir={run_dir}", *more))).saved()["state_dict"]
    return state


@pytest.fixture(scope="module")
def plain(root: Path) -> dict[str, torch.Tensor]:
    """What is validated after every epoch, from memory."""
    return trained(root, *ERASURE, "data.residency=device")


@pytest.mark.parametrize(
    "more",
    [
        ["data.residency=workers"],
        ["data.residency=mmap"],
        ["trainer.check_val_every_n_epoch=3"],
        ["callbacks.edits=null"],
        ["data.residency=device", "trainer.num_sanity_val_steps=2"],
    ],
    ids=lambda more: more[-1],
)
def test_a_run_is_the_same_whatever_is_done_beside_its_steps(
    more: list[str], plain: dict[str, torch.Tensor], root: Path
) -> None:
    found = trained(root, *ERASURE, *more)
    assert found.keys() == plain.keys()
    assert [name for name, value in plain.items() if not torch.equal(value, found[name])] == []
