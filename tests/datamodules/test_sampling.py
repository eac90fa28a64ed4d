"""How the attributes of drawn data sets are sampled: dependence, rates and wrong labels, for avatars as for heads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from datamodules.avatars import AvatarsDataModule
from datamodules.drawn import DrawnDataModule
from datamodules.heads import HeadsDataModule
from datamodules.splits import SPLITS

KINDS = pytest.mark.parametrize("kind", [AvatarsDataModule, HeadsDataModule])


def made(kind: type[DrawnDataModule[Any]], root: Path, **settings: Any) -> DrawnDataModule[Any]:
    sizes = {"resolution": 8, "train_size": 60, "val_size": 40, "test_size": 40, "images_per_identity": 1}
    return kind(**{**sizes, "root": str(root), "workers": 1, **settings})


@KINDS
def test_noise_inverts_its_share_of_labels_outside_test_and_no_pixel(kind: Any, tmp_path: Path) -> None:
    true, noisy, noisier = (made(kind, tmp_path, label_noise=noise) for noise in (0, 0.1, 0.2))
    for split in SPLITS:
        labels, wrong, more = (data.labels_of(split, data.known) for data in (true, noisy, noisier))
        assert {noisy.built_path(split)} == {true.built_path(split)}
        for noise, inverted in ((0.1, labels != wrong), (0.2, labels != more)):
            noise *= split != "test"
            assert abs(inverted.float().mean() - noise) <= 4 * np.sqrt(noise * (1 - noise) / labels.numel())
        assert torch.all((labels != more)[labels != wrong]), "more noise inverts the same and others"
    columns = [noisy.known.index("Smiling"), noisy.known.index("Mustache")]
    chosen = noisy.labels_of("train", ["Smiling", "Mustache"])
    assert torch.equal(chosen, noisy.labels_of("train", noisy.known)[:, columns])
    assert set(chosen.unique().tolist()) == {0.0, 1.0}
    assert len({data.fingerprint for data in (true, noisy, noisier)}) == 3


@KINDS
def test_counterfactuals_are_drawn_once_for_all_noise(kind: Any, tmp_path: Path) -> None:
    made(kind, tmp_path, label_noise=0.1, test_size=3).counterfactuals("Smiling")
    before = set(tmp_path.iterdir())
    made(kind, tmp_path, test_size=3).counterfactuals("Smiling")
    assert set(tmp_path.iterdir()) == before


@KINDS
def test_the_test_split_may_have_another_correlation(kind: Any, tmp_path: Path) -> None:
    plain, tied = made(kind, tmp_path), made(kind, tmp_path, correlation=1.0)
    other = made(kind, tmp_path, correlation=1.0, test_correlation=0.0)
    same = {split: [plain.built_path(split), tied.built_path(split)].index(other.built_path(split)) for split in SPLITS}
    assert same == {"train": 1, "val": 1, "test": 0}
    smiles = [[data.factors(i, "test").labels() for i in range(40)] for data in (plain, tied, other)]
    assert np.array_equal(smiles[0], smiles[2])
    assert not np.array_equal(smiles[1], smiles[2])


@KINDS
def test_rates_are_kept_in_every_split(kind: Any, tmp_path: Path) -> None:
    data = made(kind, tmp_path, rates={"Smiling": 0.9, "No_Beard": 0.2}, correlation=0.8, train_size=300)
    labels = np.array([data.factors(i, "train").labels() for i in range(300)])
    rates = dict(zip(data.known, labels.mean(0), strict=True))
    assert abs(rates["Smiling"] - 0.9) < 3 * np.sqrt(0.9 * 0.1 / 300)
    assert abs(rates["No_Beard"] - 0.2) < 3 * np.sqrt(0.2 * 0.8 / 300)
    assert data.fingerprint != made(kind, tmp_path, correlation=0.8, train_size=300).fingerprint


def test_a_strength_is_the_same_however_it_is_written(tmp_path: Path) -> None:
    whole = made(HeadsDataModule, tmp_path, correlation=1, test_correlation=0)
    assert whole.fingerprint == made(HeadsDataModule, tmp_path, correlation=1.0, test_correlation=0.0).fingerprint


def test_stores_of_before_these_settings_are_found(tmp_path: Path) -> None:
    """The names of avatars' stores, as they were before there were rates, noise and another correlation in test."""
    names = [AvatarsDataModule(root=str(tmp_path)).describe(split) for split in SPLITS]
    assert all(not {"rates", "label_noise", "test_correlation"} & set(described) for described in names)
