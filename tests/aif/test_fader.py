"""Fader Networks: who learns from what, and Lample et al.'s two steps written plainly beside ours."""

from __future__ import annotations

import copy
import functools
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from small_models import reached, step
from torch import Tensor, nn
from torch.optim import SGD

from aif.baselines.fader import FaderNetworks
from aif.baselines.fader_networks import FaderDecoder, FaderEncoder, LatentDiscriminator
from aif.schedule import AdversarialSchedule

RATE = 0.1
NAMES = ["Smiling", "Eyeglasses"]


def fader(**settings: Any) -> FaderNetworks:
    torch.manual_seed(1)
    sgd = functools.partial(SGD, lr=RATE)
    discriminator = LatentDiscriminator(32, 2, 4, 8, flat=settings.get("joint_step", False))
    net = FaderNetworks(
        FaderEncoder(32, width=4), FaderDecoder(32, attributes=2, width=4), discriminator, NAMES, sgd, sgd, **settings
    )
    net.manual_backward = lambda loss: loss.backward()  # type: ignore[method-assign]
    return net.double()


def batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(2)
    labels = torch.randint(0, 2, (8, 2)).double()
    labels[3, 1] = labels[6, 0] = float("nan")
    return torch.rand(8, 3, 32, 32, dtype=torch.float64), labels


def descend(loss: Tensor, most: float | None, *networks: nn.Module) -> None:
    """A plain step of gradient descent, with the gradient's norm cut off unless None."""
    parameters = [parameter for network in networks for parameter in network.parameters()]
    gradients = torch.autograd.grad(loss, parameters)
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    assert most is None or norm > most, "else the test would not see the clipping"
    factor = 1 if most is None else most / (norm + 1e-6)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= RATE * gradient * factor


@pytest.mark.parametrize("clip", [0.01, 0.1, None])
def test_the_two_steps_are_those_of_the_authors(clip: float | None) -> None:
    """The adversary on images of its own, on codes of an encoder in evaluation mode; then the autoencoder against it as
    it is by then, without its dropout; losses of images in [-1, 1], weight 4 λ_E; both gradients clipped."""
    net, (images, labels) = fader(gradient_clip=clip).train(), batch()
    encoder, decoder, discriminator = (copy.deepcopy(part) for part in (net.encoder, net.decoder, net.discriminator))
    torch.manual_seed(3)
    terms = net.two_steps(images, labels, 0.5, *net.configure_optimizers())

    torch.manual_seed(3)
    known = ~labels.isnan()
    guess = discriminator.train()(encoder.eval()(images[:4]).detach())
    guessed = F.binary_cross_entropy_with_logits(guess[known[:4]], labels[:4][known[:4]])
    descend(guessed, clip, discriminator)
    latent = encoder.train()(images[4:])
    decoded = decoder.train()(labels[4:].nan_to_num(0.5), latent).sigmoid()
    against = F.binary_cross_entropy_with_logits(discriminator.eval()(latent)[known[4:]], 1 - labels[4:][known[4:]])
    error = F.mse_loss(2 * decoded - 1, 2 * images[4:] - 1)
    descend(error + 4 * 0.5 * against, clip, encoder, decoder)

    torch.testing.assert_close(terms, {"discriminator": guessed, "reconstruction": error / 4, "adversary": against})
    for ours, plain in ((net.encoder, encoder), (net.decoder, decoder), (net.discriminator, discriminator)):
        torch.testing.assert_close(ours.state_dict(), plain.state_dict())
        assert ours.training


@pytest.mark.parametrize("clip", [0.01, None])
def test_the_one_step_by_hand(clip: float | None) -> None:
    """All on the same images, networks as they were before; the gradients of adversary and autoencoder clipped each."""
    weight = 0.5
    net, (images, labels) = fader(joint_step=True, gradient_clip=clip).train(), batch()
    encoder, decoder, discriminator = (copy.deepcopy(part) for part in (net.encoder, net.decoder, net.discriminator))
    torch.manual_seed(3)
    net.one_step(images, labels, weight, *net.configure_optimizers())

    torch.manual_seed(3)
    known = ~labels.isnan()
    latent = encoder(images)
    guessed = F.binary_cross_entropy_with_logits(discriminator(latent.detach())[known], labels[known])
    error = F.mse_loss(decoder(labels.nan_to_num(0.5), latent).sigmoid(), images)
    against = F.binary_cross_entropy_with_logits(discriminator(latent)[known], 1 - labels[known])
    descend(error + weight * against, clip, encoder, decoder)
    descend(guessed, clip, discriminator)
    for ours, plain in ((net.encoder, encoder), (net.decoder, decoder), (net.discriminator, discriminator)):
        torch.testing.assert_close(ours.state_dict(), plain.state_dict())


@pytest.mark.parametrize("joint", [False, True])
def test_the_schedule_sets_the_rates_and_the_weight(joint: bool) -> None:
    """A quarter into the run: half of the learning rates, 5/8 of λ_E."""
    schedule = AdversarialSchedule(warmup=0.5, adversary_warmup=0.4)
    settings: dict[str, Any] = {"adversary_weight": 8.0, "gradient_clip": None, "joint_step": joint}
    net, other = fader(schedule=schedule, **settings).train(), fader(**settings).train()
    images, labels = batch()
    optimizers: list[Any] = other.configure_optimizers()
    for group in (group for optimizer in optimizers for group in optimizer.param_groups):
        group["lr"] = RATE / 2
    torch.manual_seed(3)
    (other.one_step if joint else other.two_steps)(images, labels, 5.0, *optimizers)
    step(net, images, labels, progress=0.25)
    torch.testing.assert_close(dict(net.named_parameters()), dict(other.named_parameters()))


@torch.no_grad()
def test_validation_counts_every_image_and_known_label_once() -> None:
    """Two batches of unlike sizes; in the first, three labels in four are unknown."""
    net, (images, labels) = fader().eval(), batch()
    labels = labels.nan_to_num(1.0)
    labels[:2, 0] = labels[0, 1] = torch.nan
    for some, theirs in zip(images.split([2, 6]), labels.split([2, 6]), strict=True):
        net.validation_step({"image": some, "attributes": theirs}, 0)
    known, latent = ~labels.isnan(), net.encoder(images)
    expected = {
        "mse": (net.decoder(labels.nan_to_num(0.5), latent).sigmoid() - images).square().mean(),
        "discriminator": F.binary_cross_entropy_with_logits(net.discriminator(latent)[known], labels[known]),
    }
    for name, value in expected.items():
        torch.testing.assert_close(net.validation[name].compute().double(), value, rtol=1e-5, atol=1e-6)


def test_in_one_step_all_get_their_own_gradients() -> None:
    net, (images, labels) = fader(joint_step=True), batch()
    latent = net.encoder(images)
    terms = net.autoencoder_losses(images, labels, latent)
    assert reached(net, terms["reconstruction"]) == {"encoder", "decoder"}
    assert reached(net, terms["adversary"]) == {"encoder"}
    assert reached(net, net.discriminator_loss(latent.detach(), labels)) == {"discriminator"}
    before = copy.deepcopy(net.state_dict())
    net.one_step(images, labels, 0.5, *net.configure_optimizers())
    moved = {name.split(".")[0] for name, value in net.named_parameters() if not torch.equal(value, before[name])}
    assert moved == {"encoder", "decoder", "discriminator"}


def test_the_encoder_is_taught_that_the_label_is_the_opposite() -> None:
    """Eq. 3, and not the saturating form of eq. 2: where the adversary is sure, the encoder learns most."""
    net = fader().eval()
    images, labels = batch()
    latent = net.encoder(images)
    guess, known = net.discriminator(latent), ~labels.isnan()
    expected = F.binary_cross_entropy_with_logits(guess[known], 1 - labels[known])
    torch.testing.assert_close(net.autoencoder_losses(images, labels, latent)["adversary"], expected)


def test_y_stands_beside_every_layer_of_the_decoder() -> None:
    net = fader().eval()
    latent = torch.randn(2, 128, dtype=torch.float64)
    seen: list[Tensor] = []
    for block in net.decoder.blocks:
        block.register_forward_pre_hook(lambda block, values: seen.append(values[0]))
    net.decode(torch.tensor([[1.0, 0.0], [0.25, 0.5]], dtype=torch.float64), latent)
    assert [values.shape[1] for values in seen] == [32 + 4, 16 + 4, 8 + 4, 4 + 4]
    for values in seen:  # y, and 1 - y, the same everywhere
        assert values[:, -4:].amin((2, 3)).tolist() == [[1, 0, 0, 1], [0.25, 0.5, 0.75, 0.5]]
        assert values[:, -4:].amax((2, 3)).tolist() == [[1, 0, 0, 1], [0.25, 0.5, 0.75, 0.5]]


def test_the_latent_discriminator_is_the_authors() -> None:
    """Of a map of 512 channels and 4×4, as theirs at 256×256: 4×4 convolutions down to one place, then two layers."""
    convolution = ["Conv2d", "BatchNorm2d", "LeakyReLU", "Dropout"]
    found = LatentDiscriminator(64)
    expected = ["Unflatten", *convolution * 2, "Flatten", "Linear", "LeakyReLU", "Linear"]
    assert [type(part).__name__ for part in found] == expected
    shapes = [tuple(p.shape) for p in found.parameters() if p.dim() > 1]
    assert shapes == [(512, 512, 4, 4), (512, 512, 4, 4), (512, 512), (1, 512)]


def test_the_flat_latent_discriminator_has_two_hidden_layers() -> None:
    found = LatentDiscriminator(64, flat=True)
    assert [type(part).__name__ for part in found] == [*["Linear", "LeakyReLU", "Dropout"] * 2, "Linear"]


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize(("resolution", "channels"), [(16, None), (48, None), (64, 3)])
def test_the_latent_discriminator_reads_every_latent(resolution: int, channels: int | None, flat: bool) -> None:
    encoder = FaderEncoder(resolution, width=4, latent_channels=channels)
    discriminator = LatentDiscriminator(resolution, 2, 4, 8, latent_channels=channels, flat=flat)
    assert discriminator(encoder(torch.rand(4, 3, resolution, resolution))).shape == (4, 2)


def test_it_predicts_nothing_and_wants_the_labels() -> None:
    net = fader().eval()
    images, labels = batch()
    with pytest.raises(ValueError, match=r"predict attributes: give them to encode"):
        net.encode(images)
    known, latent = net.encode(images, labels)
    assert known[3, 1] == 0.5, "an unknown label is neither"
    decoded = net.decode(known, latent)
    assert decoded.shape == images.shape
    assert decoded.min() >= 0
    assert decoded.max() <= 1
