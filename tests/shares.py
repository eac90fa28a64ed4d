"""Losses, gradients and states of all systems on a share of a batch; they must agree between one and two processes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from unittest.mock import patch

import growing_digits
import growing_faces
import small_models
import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor
from torch.optim import SGD

from aif.baselines.cvae_gan import CVAEGAN
from aif.baselines.vae import DisentangledVAE, Weights
from aif.memory import Memory
from aif.networks import Decoder, Discriminator, Posterior, Regressor

SIZE = 8
Found = dict[str, dict[str, Tensor]]
Finish = Callable[[Tensor], Tensor]


def of_share(start: int, stop: int, trainer: Trainer | None, over_all: Finish) -> Found:
    """Losses, gradients and states of all systems on some samples of a batch.

    Args:
        start, stop: positions of the samples in the batch of ``SIZE``.
        trainer: None if the share is the whole batch.
        over_all: combines the shares' gradients, or means, to those of the batch.
    """
    images, labels = (values[start:stop] for values in small_models.batch())
    labels.nan_to_num_(0.0)  # a mean over known labels is each process's own
    found: Found = {}
    for name, make in SYSTEMS.items():
        net = make().double()
        net._trainer = trainer
        terms = terms_of(net, images, labels, start)
        learning = [parameter for parameter in net.parameters() if parameter.requires_grad]
        gradients = torch.autograd.grad(torch.stack(list(terms.values())).sum(), learning, allow_unused=True)
        flat = torch.cat([gradient.flatten() for gradient in gradients if gradient is not None])
        held = {key: value.detach() for key, value in net.named_buffers() if key.split(".")[0] in HELD}
        values = {key: over_all(value.detach()) for key, value in terms.items()}
        found[name] = {**values, **held, "gradient": over_all(flat)}
        net._trainer = None
    return found


HELD = ("memory", "centres", "centred")


def terms_of(net: Any, images: Tensor, labels: Tensor, start: int) -> dict[str, Tensor]:
    """The losses of a system, without noise and batch statistics, which differ between processes."""
    undrawn = patch.object(torch, "randn_like", torch.zeros_like)
    with undrawn, patch.object(torch, "randperm", lambda n, **settings: torch.arange(n)):
        if isinstance(net, growing_digits.ProgressiveAutoencoder):
            return net.step_losses(images[:, :1, :6, :6], torch.arange(start, start + len(images)))
        if isinstance(net, growing_faces.ProgressiveAttributeAutoencoder):
            large = torch.nn.functional.interpolate(2 * images - 1, size=32)
            with patch("jacsup.faces.untracked_statistics", lambda network: nullcontext()):
                cycles = net.cycle_losses(large)
            covariance = net.step_losses(large, 2 * labels - 1)["covariance"]
            return {"covariance": covariance, "nuisance": cycles["cycle_nuisance"]}
        return net.step_losses(images) if isinstance(net, DisentangledVAE) else net.step_losses(images, labels)


def ifcvae_gan() -> LightningModule:
    net = small_models.model(batch_norm=False, auxiliary_training={"steps": 2, "memory": Memory(SIZE, 5, 2)})
    net.decoder.eval()
    return net


def cvae_gan() -> LightningModule:
    sgd = functools.partial(SGD, lr=0.1)
    torch.manual_seed(1)
    networks = (
        Posterior(16, latent_dim=5, width=4, attributes=2),
        Decoder(16, attributes=2, latent_dim=5, width=4),
        Discriminator(16, width=4),
        Regressor(16, outputs=2, width=4),
    )
    return CVAEGAN(*networks, ["Smiling", "Eyeglasses"], sgd, sgd, sgd).eval()


def dip_vae(covariance: Any) -> LightningModule:
    torch.manual_seed(1)
    networks = Posterior(16, latent_dim=5, width=4), Decoder(16, attributes=0, latent_dim=5, width=4)
    sgd = functools.partial(SGD, lr=0.1)
    return DisentangledVAE(*networks, sgd, weights=Weights(off_diagonal=1, diagonal=1), covariance=covariance).eval()


def digits(**settings: Any) -> LightningModule:
    net = growing_digits.module(weights={"code": 0.0, "difference": 0.0}, **settings)
    net.grow(1)
    return net


def faces(**settings: Any) -> LightningModule:
    return growing_faces.module(**settings).eval()


SYSTEMS: dict[str, Callable[[], Any]] = {
    "IFcVAE-GAN": ifcvae_gan,
    "cVAE-GAN": cvae_gan,
    "DIP-VAE I": functools.partial(dip_vae, "means"),
    "DIP-VAE II": functools.partial(dip_vae, "codes"),
    "JacSup, digits": digits,
    "JacSup, digits, authors": functools.partial(digits, covariance_root=True),
    "JacSup, faces": faces,
    "JacSup, faces, authors": functools.partial(faces, covariance_root=True, cycle_root=True),
}
