"""Runs that are small enough for tests: 16-pixel avatars, narrow networks, a few batches."""

from __future__ import annotations

import csv
from pathlib import Path

import torch
from made_once import avatars
from omegaconf import DictConfig

from facet.configuration import compose_config
from facet.runs import Run

ONE_PASS = "data.images_per_epoch=null"  # an epoch; the embedded preset's has 20,000 images
SIZES = ("data.resolution=16", "data.train_size=96", "data.val_size=40", "data.test_size=60", "data.batch_size=16")
NETWORKS = (
    ONE_PASS,
    "networks.width=4",
    "networks.latent_dim=6",
    "trainer.max_epochs=3",
    "trainer.check_val_every_n_epoch=1",
)
TINY = (*SIZES, *NETWORKS, "trainer.precision=32-true", "logger=csv", "callbacks.progress=null", "data.workers=1")

NAMES = ["Smiling", "Eyeglasses", "Wearing_Hat"]
STAGED = (  # JacSup on faces: the teacher's two stages and two students
    *(ONE_PASS, *SIZES),
    *("data.resolution=32", f"attributes=[{','.join(NAMES)}]", "networks.width=4", "data.workers=1", "logger=csv"),
    *("callbacks.progress=null", "trainer.precision=32-true", "trainer.log_every_n_steps=1"),
    *("trainer.check_val_every_n_epoch=1", "model.network.latent_channels=2", "model.network.max_latent_channels=8"),
    *("callbacks.growth.sizes=[2,2,4,8]", "callbacks.growth.epochs=[1,1,1,1]"),
)


def overrides(root: Path, *more: str) -> list[str]:
    """Overrides of ``facet-train`` for a tiny run below ``root``."""
    return [*TINY, f"data.root={avatars()}", f"runs={root / 'runs'}", *more]


def tiny(root: Path, *more: str) -> DictConfig:
    """The composed config of a tiny run."""
    return compose_config("train", overrides(root, *more))


def weights(run: Run) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(run.checkpoint, weights_only=True)["state_dict"]
    return state


def metrics(run: Run) -> str:
    """All logged values, without the order of the columns."""
    with (run.path / "metrics.csv").open(newline="") as lines:
        return "\n".join(str(sorted((k, v) for k, v in row.items() if v)) for row in csv.DictReader(lines))


def assert_same(expected: Run, found: Run) -> None:
    """Check that two runs have the same weights bit for bit (NaN equal to NaN) and the same logged values."""
    one, other = weights(expected), weights(found)
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, torch.Tensor):
            torch.testing.assert_close(other[name], value, rtol=0, atol=0, equal_nan=True, msg=name)
        else:
            assert other[name] == value, name
    assert metrics(expected) == metrics(found)
