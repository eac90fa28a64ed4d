"""Networks in float64 that are small enough for exact comparisons."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD

from aif.adversaries import AuxiliaryTraining, GANTerm
from aif.baselines import cvae_gan as of_bao
from aif.baselines.cvae_gan import CVAEGAN
from aif.ifcvae_gan import IFcVAEGAN
from aif.networks import Auxiliary, Decoder, Discriminator, Encoder, Posterior, Regressor
from aif.weights import Weights

NETWORKS = ("encoder", "decoder", "discriminator", "auxiliary")


GROUPS: dict[str, Any] = {"weights": Weights, "gan": GANTerm, "auxiliary_training": AuxiliaryTraining}


def model(**settings: Any) -> IFcVAEGAN:
    """An IFcVAE-GAN; its groups of settings are given as dictionaries."""
    settings |= {name: group(**settings[name]) for name, group in GROUPS.items() if name in settings}
    detach = settings.pop("detach_label_head", False)
    batch_norm = settings.pop("batch_norm", True)
    sgd = functools.partial(SGD, lr=0.1)
    torch.manual_seed(1)
    return IFcVAEGAN(
        Encoder(16, attributes=2, latent_dim=5, width=4, batch_norm=batch_norm, detach_label_head=detach),
        Decoder(16, attributes=2, latent_dim=5, width=4),
        Discriminator(16, width=4),
        Auxiliary(5, attributes=2, width=8),
        ["Smiling", "Eyeglasses"],
        sgd,
        sgd,
        sgd,
        **settings,
    ).double()


def cvae_gan(weights: Mapping[str, float] = MappingProxyType({}), **settings: Any) -> CVAEGAN:
    sgd = functools.partial(SGD, lr=0.1)
    torch.manual_seed(1)
    return CVAEGAN(
        Posterior(16, 5, width=4, batch_norm=True, attributes=2),
        Decoder(16, attributes=2, latent_dim=5, width=4),
        Discriminator(16, width=4),
        Regressor(16, 2, width=4, batch_norm=True),
        ["Smiling", "Eyeglasses"],
        sgd,
        sgd,
        sgd,
        weights=of_bao.Weights(**weights),
        **settings,
    ).double()


def batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(2)
    labels = torch.randint(0, 2, (8, 2)).double()
    labels[3, 1] = float("nan")
    return torch.rand(8, 3, 16, 16, dtype=torch.float64), labels


def step(net: Any, images: Tensor, labels: Tensor, progress: float = 0.5) -> list[Any]:
    """Take a training step without a Trainer, noise drawn from seed 3.

    Returns the optimisers, which count their steps as ``steps``.
    """
    made = net.configure_optimizers()
    optimizers: list[Any] = made if isinstance(made, list) else [made]
    for optimizer in optimizers:
        optimizer.steps = 0
        optimizer.register_step_post_hook(lambda self, *_: setattr(self, "steps", self.steps + 1))
    stubs = {
        "optimizers": lambda: made,
        "progress": lambda batch_idx: progress,
        "manual_backward": lambda loss: loss.backward(),
        "log": lambda name, value: None,
        "log_dict": lambda values: None,
    }
    for name, stub in stubs.items():
        object.__setattr__(net, name, stub)
    torch.manual_seed(3)
    net.training_step({"image": images, "attributes": labels}, 0)
    return optimizers


def descended(net: nn.Module, loss: Tensor, rate: float) -> dict[str, Tensor]:
    """The parameters after a step of gradient descent, which is computed but not taken."""
    parameters = dict(net.named_parameters())
    gradients = torch.autograd.grad(loss, list(parameters.values()))
    moved = zip(parameters.items(), gradients, strict=True)
    return {name: parameter.detach() - rate * gradient for (name, parameter), gradient in moved}


def reached(net: nn.Module, term: Tensor) -> set[str]:
    """The names of the networks that get a gradient from a term."""
    net.zero_grad()
    term.backward(retain_graph=True)  # type: ignore[no-untyped-call]
    return {
        name
        for name, child in net.named_children()
        if any(p.grad is not None and p.grad.abs().sum() > 0 for p in child.parameters())
    }
