"""IcGAN: each stage trains its own networks, and the GAN's one backward pass is two separate ones."""

from __future__ import annotations

import functools
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.optim import SGD

from aif import losses
from aif.baselines.icgan import IcGAN
from aif.networks import Decoder, Discriminator, Regressor


def icgan(gan_share: float = 0.5) -> IcGAN:
    sgd = functools.partial(SGD, lr=0.1)
    torch.manual_seed(1)
    return IcGAN(
        Decoder(16, latent_dim=5, width=4),
        Discriminator(16, width=4, attributes=1),
        Regressor(16, 5, width=4, batch_norm=True),
        Regressor(16, 1, width=4, batch_norm=True),
        ["Smiling"],
        5,
        sgd,
        sgd,
        sgd,
        gan_share=gan_share,
    ).double()


def batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(2)
    return torch.rand(6, 3, 16, 16, dtype=torch.float64), torch.randint(0, 2, (6, 1)).double()


def touched(net: IcGAN) -> set[str]:
    return {
        name
        for name, child in net.named_children()
        if any(p.grad is not None and p.grad.any() for p in child.parameters())
    }


def test_the_gan_stage_is_two_separate_backwards() -> None:
    net = icgan()
    images, labels = batch()
    noise = torch.randn(6, 5, dtype=torch.float64)
    net.noise = lambda images: noise  # type: ignore[method-assign]
    net.gan_losses(images, labels)["gan"].backward()
    assert touched(net) == {"generator", "discriminator"}

    fake = torch.sigmoid(net.generator(labels, noise))
    real_logits, fake_logits = net.discriminator(images, labels), net.discriminator(fake, labels)
    mismatched_logits, everywhere = net.discriminator(images, 1 - labels), torch.ones(6)
    wanted = {
        "discriminator": losses.conditional_discriminator(real_logits, fake_logits, mismatched_logits, everywhere),
        "generator": losses.generator([fake_logits], 1.0, "mean"),
    }
    for name, loss in wanted.items():
        parameters = list(getattr(net, name).parameters())
        expected = torch.cat([g.flatten() for g in torch.autograd.grad(loss, parameters, retain_graph=True)])
        found = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])
        assert expected.norm() > 1e-4
        assert (found - expected).norm() < 1e-10 * expected.norm(), name


def test_a_mismatched_label_differs_in_one_known_attribute() -> None:
    labels = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, float("nan")]]).repeat(200, 1)
    other, known = icgan().other_labels(labels)
    changed = other != labels.nan_to_num(0.5)
    assert torch.equal(changed.sum(1), known.long())
    assert changed[::2].any(0).all(), "every attribute gets its turn"
    assert known[::2].all()
    assert 0 < (~known[1::2]).sum() < 200


def test_the_gradient_penalty_is_half_the_squared_norm_per_image() -> None:
    net = icgan()
    images, labels = batch()
    expected = 0.0
    for image, label in zip(images, labels, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda x, y=label: net.discriminator(x[None], y[None]), image)
        expected += float(jacobian.square().sum()) / 2 / len(images)
    penalty = net.penalty(images, labels)
    assert penalty.item() == pytest.approx(expected)
    penalty.backward()
    assert touched(net) == {"discriminator"}


def test_the_lazy_penalty_weighs_as_much_as_one_in_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five batches an epoch, one penalty in three batches: over the run the weight is that of the setting."""
    net = icgan(gan_share=0.999)
    net.gradient_penalty, net.penalty_every = 0.5, 3
    net.trainer = SimpleNamespace(num_training_batches=5, max_epochs=3, max_steps=-1)  # type: ignore[assignment]
    seen: list[float] = []
    monkeypatch.setattr(IcGAN, "optimizers", lambda self: [None] * 3)
    monkeypatch.setattr(IcGAN, "penalty", lambda self, images, labels: torch.tensor(1.0))
    monkeypatch.setattr(IcGAN, "gan_losses", lambda self, images, labels: {})
    monkeypatch.setattr(
        IcGAN, "step", lambda self, _, progress, terms: seen.append(float(terms.get("gradient_penalty", 0)))
    )
    images, labels = batch()
    for epoch in range(3):
        monkeypatch.setattr(IcGAN, "current_epoch", epoch)
        for i in range(5):
            net.training_step({"image": images, "attributes": labels}, i)
    assert len(seen) == 15
    assert sum(seen) == pytest.approx(0.5 * 15)


def test_each_stage_has_its_share_of_the_run_and_its_own_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    net = icgan(gan_share=0.6)
    seen: list[tuple[list[str], float]] = []
    monkeypatch.setattr(IcGAN, "optimizers", lambda self: ["generator", "discriminator", "encoders"])
    monkeypatch.setattr(IcGAN, "position", lambda self, batch_idx: batch_idx)
    monkeypatch.setattr(IcGAN, "progress", lambda self, batch_idx: batch_idx / 10)
    monkeypatch.setattr(IcGAN, "step", lambda self, optimizers, progress, terms: seen.append((optimizers, progress)))
    images, labels = batch()
    for i in (0, 3, 7, 8):
        net.training_step({"image": images, "attributes": labels}, i)
    assert [optimizers for optimizers, _ in seen] == [["generator", "discriminator"]] * 2 + [["encoders"]] * 2
    assert [progress for _, progress in seen] == pytest.approx([0, 0.5, 0.25, 0.5])


def test_the_encoder_stage_leaves_the_generator_alone() -> None:
    net = icgan()
    images, labels = batch()
    before = {name: value.clone() for name, value in net.generator.state_dict().items()}
    sum(net.encoder_losses(images, labels).values()).backward()  # type: ignore[union-attr]
    assert touched(net) == {"encoder_z", "encoder_y"}
    assert all(torch.equal(before[name], value) for name, value in net.generator.state_dict().items())


def test_unknown_labels_are_masked() -> None:
    net = icgan()
    images, labels = batch()
    net.encoder_y.eval()
    terms = net.encoder_losses(images, labels)
    labels[0] = float("nan")
    masked = net.encoder_losses(images, labels)
    predicted = torch.sigmoid(net.encoder_y(images))
    expected = (predicted[1:] - labels[1:]).square().mean()
    torch.testing.assert_close(masked["class"], expected)
    assert not torch.isclose(terms["class"], masked["class"])


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_both_stages_need_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="gan_share"):
        icgan(share)
