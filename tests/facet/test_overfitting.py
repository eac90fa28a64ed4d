"""An encoder that knows its training images by heart is named; reading it changes no training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny import overrides, weights
from torch import Tensor, nan

from facet.callbacks.overfitting import Overfitting, overfitted
from facet.configuration import compose_config
from facet.runs import Run
from facet.train import train


def right(share: float, count: int = 1000) -> Tensor:
    return (torch.arange(count) < share * count).float()


@pytest.mark.parametrize(
    ("train_share", "val_share", "count", "says"),
    [(1.0, 0.9, 1000, True), (0.95, 0.92, 1000, False), (1.0, 0.9, 20, False), (0.9, 1.0, 1000, False)],
)
def test_only_a_difference_that_is_large_and_no_chance_is_named(
    train_share: float, val_share: float, count: int, says: bool
) -> None:
    found = overfitted(["Smiling"], right(train_share)[:, None], right(val_share, count)[:, None])
    assert found == ([("Smiling", pytest.approx(train_share), pytest.approx(val_share))] if says else [])


def test_unknown_labels_count_on_neither_side() -> None:
    train = torch.stack([right(1.0), right(1.0)], 1)
    val = torch.stack([torch.where(torch.arange(1000) % 2 == 0, nan, right(0.5)), torch.full([1000], nan)], 1)
    assert overfitted(["Male", "Bald"], train, val) == [("Male", 1.0, pytest.approx(0.5, abs=0.01))]


def test_a_run_on_few_images_logs_both_accuracies_and_says_so_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["data.train_size=16", "data.val_size=200", "trainer.max_epochs=60", "trainer.check_val_every_n_epoch=20"]
    run = Run(train(compose_config("train", overrides(tmp_path, *few, "callbacks.edits=null"))))
    assert capsys.readouterr().err.count("so the encoder overfits") == 1
    assert "train/accuracy" in (run.path / "metrics.csv").read_text().splitlines()[0]


@pytest.mark.parametrize("model", ["ablation=erasure", "model=fader"])
def test_the_training_is_as_without_it(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = {}
    for name in ("with", "without"):
        if name == "without":
            monkeypatch.setattr(Overfitting, "on_validation_batch_start", lambda *args, **kwargs: None)
        runs[name] = Run(train(compose_config("train", overrides(tmp_path / name, model, "callbacks.edits=null"))))
    one, other = map(weights, runs.values())
    assert one.keys() == other.keys()
    for key, value in one.items():
        torch.testing.assert_close(other[key], value, rtol=0, atol=0, equal_nan=True)
