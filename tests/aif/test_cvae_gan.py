"""Bao et al.'s cVAE-GAN: which network learns from what, and the losses by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from small_models import batch, cvae_gan, descended, reached, step
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from aif.baselines.cvae_gan import class_means
from aif.schedule import Schedule


def test_every_loss_of_cvae_gan_teaches_the_networks_of_its_algorithm() -> None:
    net = cvae_gan()
    terms = net.step_losses(*batch())
    assert {name: reached(net, term) for name, term in terms.items()} == {
        "kl": {"encoder"},
        "reconstruction": {"encoder", "decoder"},
        "features": {"encoder", "decoder"},
        "discriminator_features": {"decoder"},
        "classifier_features": {"decoder"},
        "discriminator": {"discriminator"},
        "class": {"classifier"},
    }


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_the_losses_of_cvae_gan_by_hand(reduction: Any) -> None:
    """Bao et al.'s L_KL, L_G and L_GD: summed over an image, a code, a vector of features, averaged over the batch."""
    net, (images, labels) = cvae_gan(reduction=reduction), batch()
    heard: dict[str, Tensor] = {}
    net.encoder.register_forward_hook(lambda module, inputs, out: heard.update(code=out))
    drawn: list[Tensor] = []
    net.decoder.register_forward_hook(lambda module, inputs, out: drawn.append(out.sigmoid()))
    terms = net.step_losses(images, labels)
    mean, log_variance = heard["code"].chunk(2, dim=1)
    of_each = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))
    summed = reduction == "sum"
    torch.testing.assert_close(terms["kl"], of_each.sum(1).mean() if summed else of_each.mean())
    squares = 0.5 * (drawn[0] - images).square()
    torch.testing.assert_close(terms["reconstruction"], squares.sum((1, 2, 3)).mean() if summed else squares.mean())
    apart = net.discriminator.trunk(drawn[1]).mean(0) - net.discriminator.trunk(images).mean(0)
    squares = 0.5 * apart.square()
    torch.testing.assert_close(terms["discriminator_features"], squares.sum() if summed else squares.mean())


def test_a_step_of_cvae_gan_weighs_every_loss() -> None:
    """Algorithm 1: λ1 to λ4, λ2 of pixels and features alike; what D and C minimise counts once."""
    weights = {"kl": 2.0, "reconstruction": 0.3, "discriminator_features": 5.0, "classifier_features": 7.0}
    net, plain, (images, labels) = cvae_gan(weights, schedule=Schedule(warmup=0.5)), cvae_gan(), batch()
    torch.manual_seed(3)
    terms = plain.step_losses(images, labels)
    total = (
        2.0 * terms["kl"]
        + 0.3 * (terms["reconstruction"] + terms["features"])
        + 5.0 * terms["discriminator_features"]
        + 7.0 * terms["classifier_features"]
        + terms["discriminator"]
        + terms["class"]
    )
    expected = descended(plain, total, rate=0.1 * 0.5)  # halfway through its warm-up
    step(net, images, labels, progress=0.25)
    torch.testing.assert_close(dict(net.named_parameters()), expected)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_the_losses_of_cvae_gans_other_networks_by_hand(reduction: Any) -> None:
    """Bao et al.'s L_D and L_C, both distances of features in L_G, and L_GC."""
    net, (images, labels) = cvae_gan(reduction=reduction), batch()
    drawn: list[Tensor] = []
    net.decoder.register_forward_hook(lambda module, inputs, out: drawn.append(out.detach().sigmoid()))
    terms = net.step_losses(images, labels)
    reconstructed, synthesised = drawn
    real, fakes = net.discriminator(images), [net.discriminator(fake) for fake in drawn]
    expected = F.softplus(-real).mean() + F.softplus(fakes[0]).mean() + F.softplus(fakes[1]).mean()
    torch.testing.assert_close(terms["discriminator"], expected, rtol=0, atol=1e-12)  # the fakes' are much alike
    known = ~labels.isnan()
    expected = F.binary_cross_entropy_with_logits(net.classifier(images)[known], labels[known])
    torch.testing.assert_close(terms["class"], expected)
    squares = [
        0.5 * (trunk(reconstructed) - trunk(images)).square()
        for trunk in (net.discriminator.trunk, net.classifier.trunk)
    ]
    summed = reduction == "sum"
    expected = torch.stack([each.sum(1).mean() if summed else each.mean() for each in squares]).sum()
    torch.testing.assert_close(terms["features"], expected)
    features, seen = net.classifier.trunk(images), net.classifier.trunk(synthesised)
    expected = torch.zeros((), dtype=torch.float64)
    for value in (0, 1):
        groups = [labels[:, attribute] == value for attribute in range(2)]  # centres: the batch's own, the first yet
        apart = torch.stack([0.5 * (seen[who].mean(0) - features[who].mean(0)).square() for who in groups])
        expected = expected + (apart.sum() if summed else apart.mean())
    torch.testing.assert_close(terms["classifier_features"], expected)


def test_the_decoder_of_cvae_gan_reads_codes_of_the_images_and_of_the_prior() -> None:
    """x_f ← G(z, c) with z ~ q(z | x, c), x_p ← G(z, c) with z ~ N(0, I), each beside the labels."""
    net, (images, labels) = cvae_gan(), batch()
    passes: list[tuple[Tensor, ...]] = []
    net.decoder.register_forward_pre_hook(lambda decoder, inputs: passes.append(inputs))
    torch.manual_seed(3)
    net.step_losses(images, labels)
    known = labels.nan_to_num(0.5)
    mean, log_variance = net.posterior(images, known)
    torch.manual_seed(3)
    posterior, prior = mean + log_variance.exp().sqrt() * torch.randn_like(mean), torch.randn_like(mean)
    torch.testing.assert_close(passes, [(known, posterior), (known, prior)])


def test_the_decoders_statistics_are_those_of_reconstructions() -> None:
    """What cVAE-GAN's decoder makes of z from the prior moves none."""
    net, plain = cvae_gan(), cvae_gan()
    passes: list[tuple[Tensor, ...]] = []
    net.decoder.register_forward_pre_hook(lambda decoder, inputs: passes.append(inputs))
    net.step_losses(*batch())
    assert len(passes) == 2
    plain.decoder(*passes[0])
    expected, found = plain.decoder.state_dict(), net.decoder.state_dict()
    moved = [name for name in expected if "running" in name]
    assert moved
    for name in moved:
        torch.testing.assert_close(found[name], expected[name])


def test_centres_are_moving_averages_over_real_images_of_a_class() -> None:
    net = cvae_gan(centre_decay=0.75)
    features = torch.randn(4, net.centres.shape[-1], dtype=torch.float64)
    labels = torch.tensor([[1.0, 0.0], [1.0, float("nan")], [0.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    net.move_centres(features, labels)
    torch.testing.assert_close(net.centres[1, 0], features[[0, 1, 3]].mean(0))
    torch.testing.assert_close(net.centres[0, 1], features[[0, 2, 3]].mean(0))
    assert not net.centred[1, 1], "nobody has that label"
    before = net.centres.clone()
    net.move_centres(features[:1], labels[:1])
    torch.testing.assert_close(net.centres[1, 0], 0.75 * before[1, 0] + 0.25 * features[0])
    torch.testing.assert_close(net.centres[0, 0], before[0, 0])


def test_means_of_classes_are_not_taken_in_bf16() -> None:
    features, labels = torch.randn(64, 8), torch.arange(64)[:, None] % 2
    plain = class_means(features, labels, 1)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(class_means(features, labels, 1), plain, rtol=0, atol=0)
    torch.testing.assert_close(plain, (features[1::2].mean(0, keepdim=True), torch.tensor([32.0])))


def test_the_distance_to_the_centres_by_hand() -> None:
    net = cvae_gan()
    features = torch.randn(3, net.centres.shape[-1], dtype=torch.float64)
    labels = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, float("nan")]], dtype=torch.float64)
    net.move_centres(torch.randn_like(features), labels)
    groups = {(1, 0): [0, 1], (0, 0): [2], (1, 1): [0], (0, 1): [1]}  # (value, attribute) -> images
    expected = sum(0.5 * (features[who].mean(0) - net.centres[key]).square().sum() for key, who in groups.items())
    torch.testing.assert_close(net.centre_distance(features, labels), torch.as_tensor(expected))


def test_the_features_of_real_images_are_targets_and_statistics_are_those_of_real_images() -> None:
    net = cvae_gan()
    images, labels = batch()
    other = cvae_gan()
    net.step_losses(images, labels)
    other.classifier(images)
    found = {name: value for name, value in net.classifier.named_buffers() if "running" in name}
    for name, value in other.classifier.named_buffers():
        if "running" in name:
            torch.testing.assert_close(value, found[name])


@torch.no_grad()
def test_validation_of_cvae_gan_counts_every_image_and_known_label_once() -> None:
    """Two batches of unlike sizes; in the first, three labels in four are unknown."""
    net, (images, labels) = cvae_gan().eval(), batch()
    labels = labels.nan_to_num(1.0)
    labels[:2, 0] = labels[0, 1] = torch.nan
    for some, theirs in zip(images.split([2, 6]), labels.split([2, 6]), strict=True):
        net.validation_step({"image": some, "attributes": theirs}, 0)
    known = ~labels.isnan()
    mean, _ = net.posterior(images, labels.nan_to_num(0.5))
    expected = {
        "mse": (net.decoder(labels.nan_to_num(0.5), mean).sigmoid() - images).square().mean(),
        "accuracy": ((net.classifier(images) > 0) == labels.bool())[known].double().mean(),
    }
    for name, value in expected.items():
        torch.testing.assert_close(net.validation[name].compute().double(), value, rtol=1e-5, atol=1e-6)


def test_cvae_gan_predicts_nothing_and_wants_the_labels() -> None:
    net = cvae_gan().eval()
    images, labels = batch()
    with pytest.raises(ValueError, match=r"predict attributes: give them to encode"):
        net.encode(images)
    known, latent = net.encode(images, labels)
    assert known[3, 1] == 0.5, "an unknown label is neither"
    assert torch.equal(latent, net.posterior(images, known)[0])
    decoded = net.decode(known, latent)
    assert decoded.shape == images.shape
    assert decoded.min() >= 0
    assert decoded.max() <= 1
