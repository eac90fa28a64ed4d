"""Networks: shapes, ranges, the resolutions they work at, and what each context manager leaves behind."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from small_models import model
from torch import Tensor, nn
from torch.optim import SGD

from aif.baselines.icgan import IcGAN
from aif.networks import Auxiliary, Decoder, Discriminator, Encoder, Regressor
from aif.residual import Down, Up
from aif.schedule import AdversarialSchedule, Schedule
from nets.modes import frozen, untracked_statistics


@pytest.mark.parametrize("resolution", [16, 32, 48, 64])
@pytest.mark.parametrize("entry", ["first", "every"])
@pytest.mark.parametrize("kind", ["plain", "residual"])
def test_shapes(resolution: int, entry: Any, kind: Any) -> None:
    images = torch.rand(2, 3, resolution, resolution)
    mean, log_variance, label = Encoder(resolution, attributes=3, latent_dim=7, width=4, kind=kind)(images)
    assert mean.shape == log_variance.shape == (2, 7)
    assert label.shape == (2, 3)
    decoder = Decoder(resolution, attributes=3, latent_dim=7, width=4, label_entry=entry, kind=kind)
    decoded = decoder(label.sigmoid(), mean)
    assert decoded.shape == images.shape
    assert Discriminator(resolution, width=4, kind=kind)(images).shape == (2,)
    assert Discriminator(resolution, width=4, attributes=3, kind=kind)(images, label).shape == (2,)
    assert Auxiliary(7, attributes=3, width=8)(mean).shape == (2, 3)
    assert Regressor(resolution, 5, width=4, attributes=3, kind=kind)(images, label).shape == (2, 5)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_a_block_that_halves_is_two_convolutions_beside_a_shortcut(batch_norm: bool) -> None:
    block = Down(3, 5, batch_norm, leak=0.1).double().eval()
    for norm in (part for part in block.modules() if isinstance(part, nn.BatchNorm2d)):
        nn.init.normal_(norm.bias), nn.init.uniform_(norm.running_var, 0.5, 2)  # type: ignore[arg-type]
    values = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    first, convolution = block.first(values), block.shortcut[0]
    shortcut = block.shortcut[1:](F.conv2d(values, convolution.weight, convolution.bias, stride=2))
    inner = block.second(torch.where(first > 0, first, 0.1 * first))
    expected = inner + shortcut
    torch.testing.assert_close(block(values), torch.where(expected > 0, expected, 0.1 * expected))
    assert shortcut.shape == (2, 5, 4, 4)


def test_a_block_that_doubles_is_two_convolutions_beside_a_shortcut() -> None:
    """The shortcut may be taken before doubling: it changes neither a 1×1 convolution nor the statistics of a batch."""
    torch.manual_seed(1)
    block, values = Up(3, 5).double().train(), torch.randn(4, 3, 4, 4, dtype=torch.float64)

    def doubled(some: Tensor) -> Tensor:
        return some.repeat_interleave(2, 2).repeat_interleave(2, 3)

    expected = (block.second(block.first(values).relu()) + block.shortcut(doubled(values))).relu()
    assert expected.shape == (4, 5, 8, 8)
    torch.testing.assert_close(block(values), expected)


def test_the_posterior_is_no_wider_than_it_may_be() -> None:
    images = torch.rand(8, 3, 16, 16)
    free = Encoder(16, latent_dim=7, width=4)
    bound = Encoder(16, latent_dim=7, width=4, max_log_variance=2.0)
    bound.load_state_dict(free.state_dict())
    torch.testing.assert_close(bound(images), free(images))
    nn.init.constant_(free.log_variance.bias, 90.0), nn.init.constant_(bound.log_variance.bias, 90.0)
    assert free(images)[1].min() > 80
    torch.testing.assert_close(bound(images)[1], torch.full((8, 7), 2.0))


def test_the_authors_sizes() -> None:
    """DCGAN at 64x64: 64-128-256-512 channels of 5x5, no batch norm after D's first layer, A of n_z-1000-1000-1."""
    encoder = Encoder(64)
    kernels = [tuple(p.shape) for p in encoder.trunk.parameters() if p.dim() == 4]
    assert kernels == [(64, 3, 5, 5), (128, 64, 5, 5), (256, 128, 5, 5), (512, 256, 5, 5)]
    decoder = [type(part).__name__ for part in Decoder(64).modules() if not list(part.children())]
    block = ["ConvTranspose2d", "BatchNorm2d", "ReLU"]
    assert decoder == ["Linear", "Unflatten", "ReLU", *block * 3, "ConvTranspose2d"]
    assert type(Decoder(64, first_norm=True).project[2]) is nn.BatchNorm2d
    assert sum(p.numel() for p in Auxiliary().parameters()) == 100 * 1000 + 1000 + 1000 * 1000 + 1000 + 1000 + 1


@pytest.mark.parametrize("resolution", [0, 8, 40, 100])
def test_a_resolution_that_does_not_halve_is_refused(resolution: int) -> None:
    for network in (Encoder, Decoder, Discriminator):
        with pytest.raises(ValueError, match=f"resolution={resolution} .* multiple of 16"):
            network(resolution)


def test_every_parameter_is_used() -> None:
    net = model()
    images = torch.rand(4, 3, 16, 16, dtype=torch.float64)
    net.total(net.step_losses(images, torch.ones(4, 2, dtype=torch.float64))).backward()
    unused = [name for name, p in net.named_parameters() if p.grad is None]
    assert not unused


def test_frozen_and_untracked_leave_no_trace() -> None:
    net = Encoder(16, width=4, batch_norm=True)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with frozen(net), untracked_statistics(net):
        net(torch.rand(4, 3, 16, 16, requires_grad=True))[0].sum().backward()
    assert all(p.grad is None and p.requires_grad for p in net.parameters())
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def editors() -> list[torch.nn.Module]:
    sgd = functools.partial(SGD, lr=0.1)
    icgan = IcGAN(
        Decoder(16, attributes=2, latent_dim=5, width=4),
        Discriminator(16, width=4, attributes=2),
        Regressor(16, 5, width=4),
        Regressor(16, 2, width=4),
        ["Smiling", "Eyeglasses"],
        5,
        sgd,
        sgd,
        sgd,
    )
    return [model().float(), icgan]


@pytest.mark.parametrize("editor", editors(), ids=lambda e: type(e).__name__)
def test_editors_keep_the_public_scale(editor: torch.nn.Module) -> None:
    from facet.protocols import Coder, Editor

    assert isinstance(editor, Editor)
    assert isinstance(editor, Coder)
    editor.eval()  # type: ignore[attr-defined]
    images = torch.rand(3, 3, 16, 16)
    attributes, nuisance = editor.encode(images)
    assert attributes.shape == (3, 2)
    assert ((attributes >= 0) & (attributes <= 1)).all()
    given, same = editor.encode(images, torch.ones(3, 2))
    assert torch.equal(given, torch.ones(3, 2))
    assert torch.equal(same, nuisance)
    decoded = editor.decode(2 * attributes - 1, 5 * nuisance)
    assert decoded.shape == images.shape
    assert ((decoded >= 0) & (decoded <= 1)).all()
    codes = editor.codes(images)
    assert codes.shape == (3, 2 + 5)
    torch.testing.assert_close(editor.decode_codes(codes), editor.decode(attributes, nuisance))


def test_schedule() -> None:
    schedule = AdversarialSchedule(warmup=0.1, decay=0.4, adversary_warmup=0.5)
    assert schedule.learning_rate(0.05) == pytest.approx(0.5)
    assert schedule.learning_rate(0.3) == 1
    assert schedule.learning_rate(0.8) == pytest.approx(0.5)
    assert schedule.learning_rate(1.0) == pytest.approx(0)
    assert [schedule.adversary(p) for p in (0.0, 0.25, 0.5, 0.9)] == [0, 0.5, 1, 1]
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    for progress, expected in ((0.05, 1.0), (0.3, 2.0), (0.8, 1.0)):
        schedule.apply(progress, [optimizer])
        assert optimizer.param_groups[0]["lr"] == pytest.approx(expected)
    assert [Schedule().learning_rate(p) for p in (0.0, 0.5, 1.0)] == [1, 1, 1]


@pytest.mark.parametrize("settings", [{"warmup": 1.5}, {"decay": -0.1}, {"warmup": 0.7, "decay": 0.7}], ids=str)
def test_schedules_that_make_no_sense_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="schedule"):
        Schedule(**settings)
