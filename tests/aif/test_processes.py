"""What two processes make of a batch, half each, is what one makes of it: the mean of their gradients."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from small_models import batch, cvae_gan, model
from torch import Tensor, nn


def without_noise(mean: Tensor, log_variance: Tensor) -> Tensor:
    return mean


def gradients(net: Any, total: Tensor) -> list[Tensor]:
    net.zero_grad()
    total.backward()
    return [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in net.parameters()]


def of_the_halves(net: Any, total: Any) -> tuple[list[Tensor], list[Tensor]]:
    """Gradients of the whole batch, and the mean of those of its halves on two processes."""
    images, labels = batch()
    labels = labels.nan_to_num(1.0)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eval()
    whole = gradients(net, total(net.step_losses(images, labels)))
    gather = SimpleNamespace(all_gather=lambda values, **_: torch.stack([values, values]))  # both have the same half
    net._trainer = SimpleNamespace(world_size=2, strategy=gather)
    pairs = zip(images.chunk(2), labels.chunk(2), strict=True)
    halves = [gradients(net, total(net.step_losses(*half))) for half in pairs]
    return whole, [torch.stack(both).mean(0) for both in zip(*halves, strict=True)]


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("form", ["saturating", "nonsaturating"])
def test_two_processes_learn_what_one_does(reduction: Any, form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aif.ifcvae_gan.sample", without_noise)
    monkeypatch.setattr(torch, "randn_like", torch.zeros_like)
    net = model(reduction=reduction, gan={"form": form}, weights={"class_on_reconstruction": 0.5})
    torch.testing.assert_close(*of_the_halves(net, net.total))


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_two_processes_learn_what_one_does_with_a_cvae_gan(reduction: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the terms of mean features, which are of each half."""
    monkeypatch.setattr("aif.baselines.cvae_gan.sample", without_noise)
    monkeypatch.setattr(torch, "randn_like", torch.zeros_like)
    net = cvae_gan(reduction=reduction)
    summed = ("kl", "reconstruction", "features", "discriminator", "class")
    torch.testing.assert_close(*of_the_halves(net, lambda terms: torch.stack([terms[name] for name in summed]).sum()))
