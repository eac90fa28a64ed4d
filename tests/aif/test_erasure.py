"""Erasure in closed form: classes become one Gaussian, so a fresh probe finds nothing; and how a run keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_models import batch, model
from tiny import overrides, tiny
from torch import Tensor

from aif.erasure import GaussianErasure
from facet.build import make
from facet.configuration import compose_config
from facet.errors import UserError
from facet.measures.leakage import leakage
from facet.runs import Run
from facet.train import train


def two_gaussians(count: int, d: int = 6) -> tuple[Tensor, Tensor]:
    """Codes whose classes differ in mean and in covariance, so that a linear probe sees a part and an MLP all."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (count, 1), generator=generator).float()
    codes = torch.randn(count, d, generator=generator)
    stretch = torch.diag(torch.linspace(0.3, 3, d))
    return torch.where(labels == 1, codes @ stretch + 0.7, codes), labels


def test_a_fresh_probe_finds_nothing_any_more() -> None:
    codes, labels = two_gaussians(6000)
    erasure = GaussianErasure(6)
    erasure.fit(codes[:4000], labels[:4000])
    erased = erasure.erase(codes[4000:], labels[4000:])
    assert leakage(codes[4000:], labels[4000:, 0], folds=2).bits > 0.5
    assert leakage(erased, labels[4000:, 0], folds=2).bits < 0.02


def test_both_classes_get_one_mean_and_one_covariance() -> None:
    codes, labels = two_gaussians(4000)
    erasure = GaussianErasure(6)
    erasure.fit(codes, labels)
    off, on = (erasure.erase(codes, labels)[labels[:, 0] == v] for v in (0, 1))
    torch.testing.assert_close(on.mean(0), off.mean(0), atol=1e-4, rtol=0)
    torch.testing.assert_close(torch.cov(on.T), torch.cov(off.T), atol=0.02, rtol=0.02)  # shrinkage leaves a little
    torch.testing.assert_close(erasure.erase(codes, labels).mean(0), codes.mean(0), atol=1e-3, rtol=0)


def test_correlated_attributes_need_more_than_one_round() -> None:
    generator = torch.Generator().manual_seed(0)
    first = torch.rand(5000, generator=generator) < 0.5
    second = first ^ (torch.rand(5000, generator=generator) < 0.2)
    labels = torch.stack([first, second], 1).float()
    codes = torch.randn(5000, 5, generator=generator)
    codes = codes + labels @ torch.randn(2, 5, generator=generator) * 2

    def told(rounds: int) -> float:
        erasure = GaussianErasure(5, attributes=2, rounds=rounds)
        erasure.fit(codes, labels)
        left = erasure.erase(codes, labels)
        gaps = [(left[on].mean(0) - left[~on].mean(0)).norm() for on in (first, second)]
        return float(torch.stack(gaps).max())

    assert told(1) > 0.05
    assert told(6) < 0.1 * told(1)


def test_it_changes_nothing_until_it_is_fitted_nor_a_class_it_never_saw() -> None:
    codes, labels = two_gaussians(50)
    erasure = GaussianErasure(6)
    torch.testing.assert_close(erasure.erase(codes, labels), codes)
    erasure.fit(codes, torch.ones(50, 1))
    torch.testing.assert_close(erasure.erase(codes, labels), codes)


def test_noise_hides_what_is_of_higher_order() -> None:
    """Class 1 sits at the corners of a square, class 0 in a Gaussian of the same mean and covariance."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (3000, 1), generator=generator).float()
    corners = torch.randint(0, 2, (3000, 2), generator=generator) * 2.0 - 1
    codes = torch.where(labels == 1, corners, torch.randn(3000, 2, generator=generator))
    torch.manual_seed(0)
    told = []
    for noise in (0.0, 2.0):
        erasure = GaussianErasure(2, noise=noise)
        erasure.fit(codes, labels)
        told.append(leakage(erasure(codes, torch.zeros_like(codes), labels), labels[:, 0], folds=2).bits)
    assert told[0] > 0.7
    assert told[1] < 0.1


def test_a_run_keeps_what_was_fitted_to_its_averaged_weights(tmp_path: Path) -> None:
    config = tiny(
        tmp_path,
        "ablation=erasure",
        "model.erasure.images=80",
        "model.erasure.noise=0",
        "model.weights.classification=10",
        "trainer.max_epochs=8",
    )
    run = Run(train(config))
    model = make(config.model)
    model.load_state_dict(run.saved()["state_dict"])
    model.eval()
    data = make(config.data)
    images = data.tensors("train")[0][:80].float() / 255
    with torch.no_grad():
        mean, _, logits = model.encoder(images)
        again = GaussianErasure(mean.shape[1], rounds=3)
        again.fit(mean, logits.sigmoid())
        predicted, nuisance = model.encode(images)
    assert not torch.equal(again.maps[0, 0], torch.eye(mean.shape[1]))
    torch.testing.assert_close(nuisance, again.erase(mean, predicted), atol=1e-3, rtol=1e-3)


def test_a_run_that_does_not_end_with_a_validation_is_refused(tmp_path: Path) -> None:
    more = ["ablation=erasure", "trainer.max_epochs=3", "trainer.check_val_every_n_epoch=2"]
    with pytest.raises((ValueError, UserError), match="erasure is fitted before a validation"):
        train(compose_config("train", overrides(tmp_path, *more)))


def test_the_class_of_a_code_is_read_and_not_what_is_asked_for() -> None:
    """Editing a wish into y leaves z as it is: what erases y must not write the wish there."""
    net = model(erasure=GaussianErasure(5, attributes=2, noise=0.0)).eval()
    assert net.erasure is not None
    images = batch()[0]
    net.erasure.shifts[0, 1] += 1  # the maps of the classes differ
    predicted, nuisance = net.encode(images)
    for asked in (torch.zeros_like(predicted), torch.ones_like(predicted)):
        given, again = net.encode(images, asked)
        assert torch.equal(given, asked)
        assert torch.equal(again, nuisance)
    assert not torch.equal(net.erasure(nuisance, nuisance, 1 - predicted), net.erasure(nuisance, nuisance, predicted))
