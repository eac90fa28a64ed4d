"""Fader Networks (Lample et al. 2017, "Fader networks: manipulating images by sliding attributes")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from aif import losses
from aif.editor import AttributeEditor
from aif.schedule import AdversarialSchedule
from nets.checks import not_negative, positive
from nets.modes import evaluating, frozen, full_precision
from nets.stepping import MakeOptimizer, descend


class FaderNetworks(AttributeEditor):
    """An autoencoder whose decoder reads y, and whose latent must not tell y to an adversary.

    The adversary learns to predict y, and the encoder learns to make it predict the opposite (eqs. 2 and 3), with a
    weight λ_E that grows from 0. No network predicts y, so ``encode`` returns the attributes that it is given.

    Args:
        encoder: images to the latent.
        decoder: (y, latent) to logits of an image.
        discriminator: latent to logits of y.
        attribute_names: the k attributes, in the order of the batch's columns.
        autoencoder_optimizer: makes the optimiser of encoder and decoder.
        discriminator_optimizer: makes the adversary's.
        schedule: of the learning rates, and of λ_E (its ``adversary_warmup``); constant if None.
        adversary_weight: λ_E at the end of its warm-up. Squared errors are of images in [0, 1] here, so λ_E is a fourth
            of Lample et al.'s 1e-4.
        gradient_clip: largest norm of a network's gradient; None does not clip. As in their code, it is the gradient of
            squared errors of images in [-1, 1].
        joint_step: all networks take one step on the same images, from one backward pass (not in the paper).

    Raises:
        ValueError: a number outside its range.
    """

    labels_given = True
    training_parts = ("discriminator",)

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        discriminator: nn.Module,
        attribute_names: Sequence[str],
        autoencoder_optimizer: MakeOptimizer,
        discriminator_optimizer: MakeOptimizer,
        schedule: AdversarialSchedule | None = None,
        adversary_weight: float = 2.5e-5,
        gradient_clip: float | None = 5.0,
        joint_step: bool = False,
    ) -> None:
        super().__init__(attribute_names)
        self.encoder, self.decoder, self.discriminator = encoder, decoder, discriminator
        self.make_optimizers = (autoencoder_optimizer, discriminator_optimizer)
        self.schedule = schedule or AdversarialSchedule()
        not_negative(adversary_weight=adversary_weight)
        positive(gradient_clip=gradient_clip)
        self.adversary_weight, self.gradient_clip, self.joint_step = adversary_weight, gradient_clip, joint_step
        self.validation: Any = nn.ModuleDict({name: MeanMetric() for name in ("mse", "discriminator")})

    @property
    def unread(self) -> dict[str, str]:
        """Settings that have no part in what is computed, each with the reason."""
        return {} if self.adversary_weight else {"schedule.adversary_warmup": "model.adversary_weight is 0"}

    # ------------------------------------------------------------------ training

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """The adversary takes a step, and encoder and decoder take one against it."""
        optimizers: Any = self.optimizers()
        progress = self.progress(batch_idx)
        self.schedule.apply(progress, optimizers)
        weight = self.adversary_weight * self.schedule.adversary(progress)
        learn = self.one_step if self.joint_step else self.two_steps
        terms = learn(batch["image"], batch["attributes"], weight, *optimizers)
        self.log_dict({f"train/{name}": value.detach() for name, value in terms.items()})

    def two_steps(
        self, images: Tensor, labels: Tensor, weight: float, autoencoder: Optimizer, discriminator: Optimizer
    ) -> dict[str, Tensor]:
        """Lample et al.'s code: the adversary's step, then the autoencoder's, each on its own half of the batch.

        The network that does not learn is in evaluation mode.
        """
        (images, others), (labels, of_others) = images.chunk(2), labels.chunk(2)
        with evaluating(self.encoder), torch.no_grad():
            latent = self.encoder(images)
        guess = self.discriminator_loss(latent, labels)
        descend(self, guess, [discriminator], self.gradient_clip, counts=False)
        with evaluating(self.discriminator):
            terms = self.autoencoder_losses(others, of_others, self.encoder(others))
        total = 4 * (terms["reconstruction"] + weight * terms["adversary"])  # squared errors of images in [-1, 1]
        descend(self, total, [autoencoder], self.gradient_clip)
        return {"discriminator": guess, **terms}

    def one_step(
        self, images: Tensor, labels: Tensor, weight: float, autoencoder: Optimizer, discriminator: Optimizer
    ) -> dict[str, Tensor]:
        """One step of all networks, from one backward pass; each sees the others as they were before the step."""
        latent = self.encoder(images)
        guess = self.discriminator_loss(latent.detach(), labels)
        terms = self.autoencoder_losses(images, labels, latent)
        total = terms["reconstruction"] + guess + weight * terms["adversary"]
        descend(self, total, [autoencoder, discriminator], self.gradient_clip)
        return {"discriminator": guess, **terms}

    def discriminator_loss(self, latent: Tensor, labels: Tensor) -> Tensor:
        """Eq. 2, of y ``[B, k]`` in {0, 1}, NaN where unknown."""
        return losses.classification(full_precision(self.discriminator(latent)), labels)

    def autoencoder_losses(self, images: Tensor, labels: Tensor, latent: Tensor) -> dict[str, Tensor]:
        """The terms of eq. 3, unweighted; no gradient reaches the adversary.

        Args:
            images: x, ``[B, C, H, W]`` in [0, 1].
            labels: y, ``[B, k]`` in {0, 1}, NaN where unknown.
            latent: E(x), flat.
        """
        decoded = torch.sigmoid(full_precision(self.decoder(labels.nan_to_num(0.5), latent)))
        with frozen(self.discriminator):
            guess = full_precision(self.discriminator(latent))
        return {
            "reconstruction": F.mse_loss(decoded, images),
            "adversary": losses.classification(guess, 1 - labels),  # the label is flipped
        }

    # ------------------------------------------------------------------ Lightning's hooks

    def configure_optimizers(self) -> list[Optimizer]:
        autoencoder, discriminator = self.make_optimizers
        return [
            autoencoder([*self.encoder.parameters(), *self.decoder.parameters()]),
            discriminator(self.discriminator.parameters()),
        ]

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        images, labels = batch["image"], batch["attributes"]
        known, latent = self.encode(images, labels)
        self.validation["mse"].update((self.decode(known, latent) - images).square().mean(), len(images))
        guess = full_precision(self.discriminator(latent))
        self.validation["discriminator"].update(losses.classification(guess, labels), (~labels.isnan()).sum())

    # ------------------------------------------------------------------ Editor

    def encode(self, images: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Images ``[B, C, H, W]`` and their attributes (NaN: unknown) to (those attributes, the latent, flat).

        Raises:
            ValueError: no attributes given; this method does not predict them.
        """
        if attributes is None:
            raise ValueError("Fader Networks do not predict attributes: give them to encode")
        return attributes.nan_to_num(0.5), self.encoder(images)

    def decode(self, attributes: Tensor, nuisance: Tensor) -> Tensor:
        """(y ``[B, k]``, the latent, flat) to images in [0, 1]."""
        return torch.sigmoid(self.decoder(attributes, nuisance))
