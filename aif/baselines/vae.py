"""β-VAE (Higgins et al. 2017) and DIP-VAE I and II (Kumar et al. 2018): codes without named attributes.

Both papers weight the terms of an image's evidence lower bound, in nats. The losses here are in nats too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from aif import losses
from aif.editor import Positioned, sample
from aif.schedule import Schedule
from nets.checks import not_negative, positive
from nets.modes import full_precision
from nets.stepping import MakeOptimizer, descend, whole_batch


@dataclass(frozen=True)
class Weights:
    """The weights of the losses; the reconstruction counts 1.

    Attributes:
        kl: β.
        off_diagonal: λ_od; 0 together with ``diagonal`` leaves a β-VAE.
        diagonal: λ_d.

    Raises:
        ValueError: a weight below 0.
    """

    kl: float = 1.0
    off_diagonal: float = 0.0
    diagonal: float = 0.0

    def __post_init__(self) -> None:
        not_negative(**asdict(self))


class DisentangledVAE(Positioned):
    """A VAE whose KL is weighted (β-VAE), or whose codes' covariance is pulled towards the identity (DIP-VAE).

    A ``Coder``: the code is μ.

    Args:
        encoder: images to μ and log σ² side by side, ``[B, 2 n_z]``.
        decoder: (an empty y, z) to logits of an image.
        optimizer: makes the optimiser.
        schedule: of the learning rate; constant if None.
        weights: of the losses; a plain VAE's if None.
        covariance: the covariance that is pulled to the identity: of the ``means`` (DIP-VAE I) or of the ``codes``
            (DIP-VAE II).
        gradient_clip: largest norm of the gradient; None does not clip.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        optimizer: MakeOptimizer,
        schedule: Schedule | None = None,
        weights: Weights | None = None,
        covariance: Literal["means", "codes"] = "means",
        gradient_clip: float | None = None,
    ) -> None:
        super().__init__()
        positive(gradient_clip=gradient_clip)
        self.encoder, self.decoder, self.make_optimizer = encoder, decoder, optimizer
        self.schedule = schedule or Schedule()
        self.weights = weights or Weights()
        self.covariance = covariance
        self.gradient_clip = gradient_clip
        self.validation: Any = MeanMetric()

    @property
    def unread(self) -> dict[str, str]:
        """Settings that have no part in what is computed, each with the reason."""
        weighted = self.weights.off_diagonal or self.weights.diagonal
        return {} if weighted else {"covariance": "model.weights.off_diagonal and model.weights.diagonal are 0"}

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """A step on all terms."""
        optimizer: Any = self.optimizers()
        self.schedule.apply(self.progress(batch_idx), [optimizer])
        terms = self.step_losses(batch["image"])
        weights = {"reconstruction": 1.0, **asdict(self.weights)}
        total = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
        descend(self, total, [optimizer], self.gradient_clip)
        self.log_dict({f"train/{name}": value.detach() for name, value in terms.items()})

    def step_losses(self, images: Tensor) -> dict[str, Tensor]:
        """Every loss of one batch ``[B, C, H, W]``, unweighted; reconstruction and KL in nats per image."""
        mean, log_variance = self.posterior(images)
        decoded = full_precision(self.decoder(mean[:, :0], sample(mean, log_variance)))
        terms = {
            "reconstruction": losses.reconstruction(decoded, images, "mean") * images[0].numel(),
            "kl": losses.kl(mean, log_variance, "mean") * mean.shape[1],
        }
        if self.weights.off_diagonal or self.weights.diagonal:
            means = whole_batch(self, mean)
            variances = whole_batch(self, log_variance.exp()) if self.covariance == "codes" else None
            terms["off_diagonal"], terms["diagonal"] = losses.covariance_to_identity(means, variances)
        return terms

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """μ and log σ², ``[B, n_z]`` each."""
        mean, log_variance = full_precision(self.encoder(images)).chunk(2, dim=1)
        return mean, log_variance

    def configure_optimizers(self) -> Optimizer:
        return self.make_optimizer(self.parameters())

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        images = batch["image"]
        self.validation.update((self.decode_codes(self.codes(images)) - images).square().mean(), len(images))

    def on_validation_epoch_end(self) -> None:
        self.log("val/mse", self.validation.compute())
        self.validation.reset()

    def codes(self, images: Tensor) -> Tensor:
        """Images ``[B, C, H, W]`` to μ, ``[B, n_z]``."""
        return self.posterior(images)[0]

    def decode_codes(self, codes: Tensor) -> Tensor:
        """Codes ``[B, n_z]`` to images in [0, 1]."""
        return torch.sigmoid(self.decoder(codes[:, :0], codes))
