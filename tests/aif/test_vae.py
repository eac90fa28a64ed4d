"""β-VAE and DIP-VAE: the losses by hand, and a step."""

from __future__ import annotations

import copy
import functools
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from small_models import batch, descended, step
from torch.distributions import Normal, kl_divergence
from torch.optim import SGD

from aif import losses
from aif.baselines.vae import DisentangledVAE, Weights
from aif.networks import Decoder, Posterior
from aif.schedule import Schedule

SGD_ = functools.partial(SGD, lr=0.1)


def vae(**settings: Any) -> DisentangledVAE:
    torch.manual_seed(1)
    encoder, decoder = Posterior(16, 5, width=4), Decoder(16, attributes=0, latent_dim=5, width=4)
    return DisentangledVAE(encoder, decoder, SGD_, **settings).double()


def test_the_covariance_terms_by_hand() -> None:
    means = torch.randn(50, 3, dtype=torch.float64)
    covariance = torch.cov(means.T, correction=0)
    off_diagonal, diagonal = losses.covariance_to_identity(means)
    torch.testing.assert_close(off_diagonal, 2 * covariance[[0, 0, 1], [1, 2, 2]].square().sum())
    torch.testing.assert_close(diagonal, (covariance.diag() - 1).square().sum())
    variances = torch.rand(50, 3, dtype=torch.float64)
    same, diagonal = losses.covariance_to_identity(means, variances)
    torch.testing.assert_close(same, off_diagonal)
    torch.testing.assert_close(diagonal, (covariance.diag() + variances.mean(0) - 1).square().sum())


@pytest.mark.parametrize("covariance", ["means", "codes"])
def test_dip_vae_draws_the_covariance_towards_the_identity(covariance: Any) -> None:
    net = vae(covariance=covariance, weights=Weights(kl=0.0, off_diagonal=1e3, diagonal=1e3))
    images, _ = batch()
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)

    def apart() -> float:
        terms = net.step_losses(images)
        return (terms["off_diagonal"] + terms["diagonal"]).item()

    before = apart()
    for _ in range(400):
        terms = net.step_losses(images)
        optimizer.zero_grad()
        (terms["reconstruction"] + 1e3 * (terms["off_diagonal"] + terms["diagonal"])).backward()
        optimizer.step()
    assert apart() < 0.05 * before


@pytest.mark.parametrize("clip", [None, 0.5])
def test_a_step_of_a_vae_weighs_every_loss(clip: float | None) -> None:
    """β, λ_od and λ_d, at the schedule's learning rate, the whole gradient clipped."""
    settings: dict[str, Any] = {"schedule": Schedule(warmup=0.5), "gradient_clip": clip}
    net = vae(weights=Weights(kl=4.0, off_diagonal=2.0, diagonal=3.0), **settings)
    plain, (images, labels) = copy.deepcopy(net), batch()
    torch.manual_seed(3)
    terms = plain.step_losses(images)
    total = terms["reconstruction"] + 4.0 * terms["kl"] + 2.0 * terms["off_diagonal"] + 3.0 * terms["diagonal"]
    norm = torch.cat(
        [g.flatten() for g in torch.autograd.grad(total, list(plain.parameters()), retain_graph=True)]
    ).norm()
    assert norm > 1, "else the test would not see the clipping"
    expected = descended(plain, total, rate=0.1 * 0.5 * (clip / (float(norm) + 1e-6) if clip else 1))
    step(net, images, labels, progress=0.25)
    torch.testing.assert_close(dict(net.named_parameters()), expected)


def test_dip_vae_ii_adds_the_codes_variances() -> None:
    """I looks at the means' covariance, II at that of the codes: Cov(μ) + E[σ²]."""
    images, _ = batch()
    for covariance in ("means", "codes"):
        net = vae(covariance=covariance, weights=Weights(diagonal=1.0))
        mean, log_variance = net.posterior(images)
        variances = log_variance.exp() if covariance == "codes" else None
        found = net.step_losses(images)["diagonal"]
        torch.testing.assert_close(found, losses.covariance_to_identity(mean, variances)[1])


def test_a_beta_vae_has_no_covariance_terms() -> None:
    assert set(vae(weights=Weights(kl=4.0)).step_losses(batch()[0])) == {"reconstruction", "kl"}


def test_a_vaes_losses_are_nats_per_image() -> None:
    net, (images, _) = vae(), batch()
    torch.manual_seed(3)
    terms = net.step_losses(images)
    torch.manual_seed(3)
    mean, log_variance = net.posterior(images)
    prior, posterior = Normal(0.0, 1.0), Normal(mean, (0.5 * log_variance).exp())
    torch.testing.assert_close(terms["kl"], kl_divergence(posterior, prior).sum(1).mean())
    logits = net.decoder(mean[:, :0], posterior.mean + posterior.stddev * torch.randn_like(mean))
    log_likelihood = images * F.logsigmoid(logits) + (1 - images) * F.logsigmoid(-logits)
    torch.testing.assert_close(terms["reconstruction"], -log_likelihood.sum((1, 2, 3)).mean())
