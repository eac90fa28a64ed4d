"""One forward and one backward pass give each network what separate passes over the paper's losses would give it."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
import torch
from small_models import NETWORKS, batch, model
from torch import Tensor, nn

from aif import losses
from aif.edges import Edge, nonsaturating_weight
from aif.ifcvae_gan import IFcVAEGAN, sample
from nets.modes import untracked_statistics

Grads = dict[str, list[Tensor]]


def fused(net: IFcVAEGAN) -> Grads:
    images, labels = batch()
    torch.manual_seed(3)
    net.zero_grad()
    net.total(net.step_losses(images, labels)).backward()
    return {
        name: [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in getattr(net, name).parameters()]
        for name in NETWORKS
    }


def separate(net: IFcVAEGAN) -> Grads:
    """Eqs. 3 to 6 written plainly: a loss per network, each differentiated with respect to its network alone."""
    images, labels = batch()
    torch.manual_seed(3)  # the same noise, drawn in the same order
    mean, log_variance, label_logits = net.encoder(images)
    latent = sample(mean, log_variance)
    predicted = label_logits.sigmoid()
    known = torch.where(labels.isnan(), predicted.detach(), labels)
    decoded = net.decoder(predicted if net.reconstruct_from == "predicted" else known, latent)
    read = latent if net.auxiliary_training.noise == "shared" else sample(mean, log_variance)
    auxiliary = losses.classification(net.auxiliary(read), labels)
    reconstruction = losses.reconstruction(decoded, images, net.reduction)
    encoder = (
        reconstruction
        + net.weights.kl * losses.kl(mean, log_variance, net.reduction)
        + net.weights.classification * losses.classification(label_logits, labels)
        - net.weights.auxiliary * auxiliary
    )
    decoder, gan = reconstruction, torch.zeros((), dtype=torch.float64)
    if net.weights.class_on_reconstruction:  # row (3): E's parameters as a classifier are constants
        fixed = copy.deepcopy(net.encoder)
        _, _, logits = fixed(decoded.sigmoid())
        row_3 = net.weights.class_on_reconstruction * losses.classification(logits, labels)
        encoder, decoder = encoder + row_3, decoder + row_3
    if net.weights.gan:
        noise = torch.randn_like(latent)
        with untracked_statistics(net.decoder):
            fakes = [decoded.sigmoid(), net.decoder(known, noise).sigmoid()]
        fake_logits = [net.discriminator(fake) for fake in fakes]
        gan = losses.discriminator(net.discriminator(images), fake_logits, net.gan.discriminator_factor, net.reduction)
        adversarial = -gan if net.gan.form == "saturating" else losses.generator(fake_logits, 0.5, net.reduction)
        encoder, decoder = encoder + net.weights.gan * adversarial, decoder + net.weights.gan * adversarial
    own = {"encoder": encoder, "decoder": decoder, "discriminator": gan, "auxiliary": auxiliary}
    return {name: gradient(loss, getattr(net, name)) for name, loss in own.items()}


def gradient(loss: Tensor, network: nn.Module) -> list[Tensor]:
    parameters = list(network.parameters())
    if not loss.requires_grad:
        return [torch.zeros_like(p) for p in parameters]
    found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for g, p in zip(found, parameters, strict=True)]


def norm(grads: list[Tensor]) -> float:
    return torch.cat([g.flatten() for g in grads]).norm().item()


CASES = [
    {"gan": {"form": form}, "reduction": reduction, "auxiliary_training": {"noise": noise}}
    for form in ("saturating", "nonsaturating")
    for reduction in ("sum", "mean")
    for noise in ("shared", "second")
]


@pytest.mark.parametrize("settings", CASES, ids=str)
def test_fused_backward_is_the_separate_backwards(settings: dict[str, Any]) -> None:
    net = model(weights={"kl": 0.2, "classification": 0.3, "gan": 0.4, "auxiliary": 0.7}, **settings)
    expected, found = separate(net), fused(net)
    for name in NETWORKS:
        difference = norm([f - e for f, e in zip(found[name], expected[name], strict=True)])
        assert norm(expected[name]) > 1e-4, f"{name}: nothing is compared"
        assert difference < 1e-10 * norm(expected[name]), name


@pytest.mark.parametrize(
    "settings",
    [
        {"weights": {"auxiliary": 0.0}},
        {"weights": {"gan": 0.0}},
        {"weights": {"kl": 0.0}},
        {"reconstruct_from": "label"},
        {"detach_label_head": True},
        {"batch_norm": False},
        {"weights": {"class_on_reconstruction": 0.6}},
        {"gan": {"running_statistics": "both"}},
    ],
    ids=str,
)
def test_the_ablations_too(settings: dict[str, Any]) -> None:
    net = model(**settings)
    expected, found = separate(net), fused(net)
    for name in NETWORKS:
        difference = norm([f - e for f, e in zip(found[name], expected[name], strict=True)])
        assert difference <= 1e-10 * max(norm(expected[name]), 1e-12), name


def test_the_comparison_can_fail() -> None:
    """A wrong edge must be seen by the comparison above."""
    net = model(weights={"auxiliary": 0.7})
    expected = separate(net)
    net.weights = dataclasses.replace(net.weights, auxiliary=0.71)
    found = fused(net)
    difference = norm([f - e for f, e in zip(found["encoder"], expected["encoder"], strict=True)])
    assert difference > 1e-4 * norm(expected["encoder"])


def test_edge_scales_per_sample() -> None:
    values = torch.ones(3, 2, requires_grad=True)
    edge = Edge()
    out = edge(values)
    edge.weight = torch.tensor([1.0, -2.0, 0.0])  # set after the forward pass
    out.sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [[1, 1], [-2, -2], [0, 0]]


@pytest.mark.parametrize("logit", [-45.0, -20.0, -6.0, 0.0, 3.0])
def test_a_sure_discriminator_still_teaches(logit: float) -> None:
    """The non-saturating edge: what the discriminator's term sends back becomes what the generator's own would."""
    fakes = torch.full((2,), logit, requires_grad=True)
    (expected,) = torch.autograd.grad(losses.generator([fakes], 0.5, "sum"), fakes)
    edge = Edge(nonsaturating_weight(fakes, ratio=0.5))
    (found,) = torch.autograd.grad(losses.discriminator(torch.zeros(2), [edge(fakes)], 1.0, "sum"), fakes)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("logit", [-100.0, -20.0, -1.0, 0.0, 3.0, 40.0])
def test_nonsaturating_weight_stays_finite(logit: float) -> None:
    weight = nonsaturating_weight(torch.tensor([logit]), ratio=0.5)
    assert torch.isfinite(weight * torch.sigmoid(torch.tensor([logit]))).all()


def test_a_loss_without_weight_may_overflow() -> None:
    """Without L_KL σ² is free, and what overflows in the KL must not reach the weights as 0 · ∞."""
    net = model(weights={"kl": 0.0})
    terms = net.step_losses(*batch())
    total = net.total({**terms, "kl": terms["kl"] * float("inf")})
    torch.testing.assert_close(total, net.total({name: term for name, term in terms.items() if name != "kl"}))
