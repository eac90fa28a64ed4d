"""What AIF's step is timed beside is the authors' step: its losses and gradients are ours under ``preset=authors``."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from facet.benchmarks.aif import PlainCVAE, PlainIFcVAEGAN
from facet.configuration import compose_config
from facet.making import make

SIZES = ["data.resolution=16", "networks.width=4", "networks.latent_dim=5", "model.auxiliary.width=8"]


def ours(experiment: str) -> Any:
    torch.manual_seed(1)
    settings = compose_config("train", [*experiment.split(), "preset=authors", *SIZES])
    return make(settings.model).double().train()


def theirs(net: Any) -> PlainIFcVAEGAN:
    """Theirs with the weights of ours; biases before a batch norm, which ours has not, are 0."""
    beta = net.weights.class_on_reconstruction
    plain = PlainIFcVAEGAN(16, 1, 5, 4, 4, 8, class_on_reconstruction_weight=beta)
    for part in (plain.cvae, plain.discriminator, plain.auxiliary):
        part.double()
    with torch.no_grad():
        for bias in biases_before_norms(plain.cvae):
            bias.zero_()
        for mine, of_them in zip(parameters(net), shared(plain), strict=True):
            assert mine.shape == of_them.shape
            of_them.copy_(mine)
    return plain


def parameters(net: Any) -> list[Tensor]:
    parts = (net.encoder, net.decoder, net.discriminator, net.auxiliary)
    return [parameter for part in parts for parameter in part.parameters()]


def shared(plain: PlainIFcVAEGAN) -> list[Tensor]:
    """Parameters that ours has, too, in its order."""
    left_out = {id(bias) for bias in biases_before_norms(plain.cvae)}
    parts = (plain.cvae, plain.discriminator, plain.auxiliary)
    return [parameter for part in parts for parameter in part.parameters() if id(parameter) not in left_out]


def biases_before_norms(cvae: PlainCVAE) -> list[Tensor]:
    pairs = itertools.pairwise(cvae.doublings)
    return [one.bias for one, after in pairs if isinstance(after, nn.BatchNorm2d)]  # type: ignore[misc]


def norms(module: nn.Module) -> list[Tensor]:
    found = [each for each in module.modules() if isinstance(each, nn.BatchNorm2d)]
    return [value for each in found for value in (each.running_mean, each.running_var) if value is not None]


@pytest.mark.parametrize("experiment", ["model=ifcvae_gan", "ablation=rec_class"])
def test_their_step_is_ours(experiment: str) -> None:
    net = ours(experiment)
    plain = theirs(net)
    images, labels = torch.rand(6, 3, 16, 16, dtype=torch.float64), torch.tensor([[0.0], [1.0]] * 3).double()
    torch.manual_seed(3)
    terms = net.step_losses(images, labels)
    net.total(terms).backward()
    torch.manual_seed(3)  # the same noise, drawn in the same order
    read = plain.step(images, labels)
    assert len(read) == 8
    for name, value in (
        ("reconstruction", "reconstruction"),
        ("kl", "kl"),
        ("class", "class"),
        ("gan", "discriminator"),
    ):
        assert read[value] == pytest.approx(terms[name].item(), rel=1e-12), name
    assert read["auxiliary"] == read["of_encoder"] == pytest.approx(terms["auxiliary"].item(), rel=1e-12)
    for mine, of_them in zip(parameters(net), shared(plain), strict=True):
        assert of_them.grad is not None
        torch.testing.assert_close(of_them.grad, mine.grad, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(norms(plain.cvae), norms(net.decoder))  # prior samples count twice


def test_their_optimizers_are_ours() -> None:
    net = ours("model=ifcvae_gan")
    plain = theirs(net)
    for mine, of_them in zip(
        net.configure_optimizers(), (plain.of_cvae, plain.of_auxiliary, plain.of_discriminator), strict=True
    ):
        assert type(mine) is type(of_them)
        assert mine.defaults == of_them.defaults


def test_their_networks_have_the_authors_count() -> None:
    """As their classes of 64×64 images, 64 filters and 100 numbers of z have them."""
    with torch.device("meta"):
        plain = PlainIFcVAEGAN()
    counts = [sum(each.numel() for each in part.parameters()) for part in (plain.cvae, plain.discriminator)]
    assert counts == [8_340_300, 4_314_753]
