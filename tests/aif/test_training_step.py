"""What a training step of the IFcVAE-GAN does besides its losses: rates, further steps of A, what A remembers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_models import NETWORKS, batch, model, step
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from aif.ifcvae_gan import IFcVAEGAN
from aif.memory import Memory
from aif.schedule import AdversarialSchedule, Schedule


def weights(net: IFcVAEGAN) -> dict[str, Tensor]:
    return {
        name: torch.cat([parameter.detach().flatten() for parameter in getattr(net, name).parameters()])
        for name in NETWORKS
    }


def test_the_schedule_sets_every_learning_rate() -> None:
    optimizers = step(model(schedule=AdversarialSchedule(warmup=0.2)), *batch(), progress=0.05)
    assert [group["lr"] for optimizer in optimizers for group in optimizer.param_groups] == [pytest.approx(0.025)] * 3


def test_a_learning_rate_is_a_factor_of_the_first_and_not_of_the_last() -> None:
    optimizers: list[Any] = model().configure_optimizers()
    for progress in (0.1, 0.1, 0.5, 1.0):
        Schedule(warmup=0.2, decay=0.5).apply(progress, optimizers)
        if progress == 0.1:
            assert optimizers[0].param_groups[0]["lr"] == pytest.approx(0.05)
    assert optimizers[0].param_groups[0]["lr"] == pytest.approx(0)


def test_the_auxiliary_alone_takes_further_steps() -> None:
    once, more = model(), model(auxiliary_training={"steps": 3, "memory": Memory(16, 5, 2)})
    assert [optimizer.steps for optimizer in step(once, *batch())] == [1, 1, 1]
    assert [optimizer.steps for optimizer in step(more, *batch())] == [1, 3, 1]
    of_once, of_more = weights(once), weights(more)
    for name in ("encoder", "decoder", "discriminator"):
        assert torch.equal(of_once[name], of_more[name]), name
    assert not torch.equal(of_once["auxiliary"], of_more["auxiliary"])


def test_the_memory_is_of_training_alone() -> None:
    net = model(auxiliary_training={"steps": 2, "memory": Memory(16, 5, 2)})
    net.eval().step_losses(*batch())
    assert net.memory is not None
    assert net.memory.labels.isnan().all()
    net.train().step_losses(*batch())
    assert int((~net.memory.labels[:, 0].isnan()).sum()) == 8


@pytest.mark.parametrize("kind", ["decoder", "head"])
def test_the_encoders_statistics_are_of_real_images_alone(kind: Any) -> None:
    """The classifier's look at the reconstruction, row (3) of Table 1, moves none."""
    classifying = model(weights={"class_on_reconstruction": 0.5}, class_on_reconstruction_trains=kind)
    plain = model()
    for net in (plain, classifying):
        torch.manual_seed(3)
        net.train().step_losses(*batch())
    expected, found = plain.encoder.state_dict(), classifying.encoder.state_dict()
    moved = [name for name in expected if "running" in name]
    assert moved
    for name in moved:
        torch.testing.assert_close(found[name], expected[name])


@torch.no_grad()
def test_validation_counts_known_labels_alone() -> None:
    """One batch of which three labels in four are unknown, and one of which all are known."""
    net = model(auxiliary_training={"noise": "none"}).eval()
    images, labels = batch()
    labels = labels.nan_to_num(1.0)
    labels[:4, 0] = labels[:2, 1] = torch.nan
    for some, theirs in zip(images.chunk(2), labels.chunk(2), strict=True):
        net.validation_step({"image": some, "attributes": theirs}, 0)
    mean, _, logits = net.encoder(images)
    known = ~labels.isnan()
    expected = {
        "accuracy": ((logits > 0) == labels.bool())[known].double().mean(),
        "auxiliary": binary_cross_entropy_with_logits(net.auxiliary(mean)[known], labels[known]),
    }
    for name, value in expected.items():
        torch.testing.assert_close(net.validation[name].compute().double(), value, rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_what_is_handed_out_as_the_nuisance() -> None:
    net = model().eval()
    images, _ = batch()
    mean, log_variance, _ = net.encoder(images)
    assert torch.equal(net.encode(images)[1], mean)
    torch.manual_seed(5)
    noise = torch.randn_like(mean)
    torch.manual_seed(5)
    torch.testing.assert_close(net.sample_nuisance(images), mean + (log_variance / 2).exp() * noise)
