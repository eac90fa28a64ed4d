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
from aif.checks import below_one, not_negative, positive
from aif.editor import AttributeEditor, MakeOptimizer
from aif.modes import evaluating, frozen, full_precision
from aif.networks import Kind, beside, check_sizes, doublings, trunk
from aif.schedule import Schedule
from aif.stepping import descend


class FaderEncoder(nn.Module):
    """Images to a latent that is not sampled, ``[B, c (r/16)²]``: a map of c channels of features, flat.

    Args:
        resolution: r, side of the images, a multiple of 16.
        channels: of the images.
        width: channels of the first convolution.
        kind: of the layers.
        latent_channels: c, by a 1×1 convolution after the last layer; None: its own 8 ``width``.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        width: int = 64,
        kind: Kind = "plain",
        latent_channels: int | None = None,
    ) -> None:
        super().__init__()
        check_sizes(resolution, kind, channels=channels, width=width, latent_channels=latent_channels)
        narrowing = [_pointwise(8 * width, latent_channels)] if latent_channels else []
        layers = trunk(kind, channels, width, batch_norm=True, leak=0.2)
        self.trunk = nn.Sequential(*layers, *narrowing, nn.Flatten())

    def forward(self, images: Tensor) -> Tensor:
        """``[B, C, H, W]`` in [0, 1] to ``[B, c (r/16)²]``."""
        latent: Tensor = self.trunk(images)
        return latent


class FaderDecoder(nn.Module):
    """(y, latent) to logits of an image; y and 1 - y are constant channels beside every layer's input.

    Args:
        resolution: r, side of the images, a multiple of 16.
        channels: of the images.
        attributes: k.
        width: channels before the last layer.
        kind: of the layers.
        latent_channels: c of the encoder.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        attributes: int = 1,
        width: int = 64,
        kind: Kind = "plain",
        latent_channels: int | None = None,
    ) -> None:
        super().__init__()
        check_sizes(resolution, kind, attributes, channels=channels, width=width, latent_channels=latent_channels)
        extra = 2 * attributes
        self.start = (latent_channels or 8 * width, resolution // 16, resolution // 16)
        widening = [_pointwise(latent_channels + extra, 8 * width)] if latent_channels else []
        self.blocks = nn.ModuleList([*widening, *doublings(kind, channels, width, extra=extra)])

    def forward(self, labels: Tensor, latent: Tensor) -> Tensor:
        """(y ``[B, k]``, ``[B, c (r/16)²]``) to logits ``[B, C, H, W]``."""
        hidden: Tensor = latent.view(-1, *self.start)
        one_hot = torch.cat([labels, 1 - labels], dim=1)
        for block in self.blocks:
            hidden = block(beside(hidden, one_hot))
        return hidden


class LatentDiscriminator(nn.Sequential):
    """The latent, flat as it comes, to logits of y ``[B, k]``: convolutions down to 1×1, then two linear layers.

    Args:
        resolution: of the images.
        attributes: k.
        latent_width: the encoder's width.
        width: channels of the convolutions, and of the hidden layer.
        dropout: after each convolution.
        latent_channels: c of the encoder.
        flat: no convolutions, but another hidden layer, and dropout after both (not in the paper).
    """

    def __init__(
        self,
        resolution: int,
        attributes: int = 1,
        latent_width: int = 64,
        width: int = 512,
        dropout: float = 0.3,
        latent_channels: int | None = None,
        flat: bool = False,
    ) -> None:
        channels, side = latent_channels or 8 * latent_width, resolution // 16
        check_sizes(
            resolution, attributes=attributes, width=width, latent_width=latent_width, latent_channels=latent_channels
        )
        below_one(dropout=dropout)
        layers: list[nn.Module] = []
        if flat:
            for size in (channels * side**2, width):
                layers += [nn.Linear(size, width), nn.LeakyReLU(0.2), nn.Dropout(dropout)]
        else:
            layers.append(nn.Unflatten(1, (channels, side, side)))
            while side > 1:
                layers += [nn.Conv2d(channels, width, 4, 2, 1), nn.BatchNorm2d(width)]
                layers += [nn.LeakyReLU(0.2), nn.Dropout(dropout)]
                channels, side = width, side // 2
            layers += [nn.Flatten(), nn.Linear(channels, width), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Linear(width, attributes))


def _pointwise(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2))


class FaderNetworks(AttributeEditor):
    """An autoencoder told y, whose latent an adversary must not be able to read y from.

    The adversary learns to predict y, the encoder that it predicts the opposite (eqs. 2 and 3), with a weight λ_E that
    grows from 0. Nothing predicts y, so ``encode`` passes on what it is given.

    Args:
        encoder: images to the latent.
        decoder: (y, latent) to logits of an image.
        discriminator: latent to logits of y.
        attribute_names: the k attributes, in the order of the batch's columns.
        autoencoder_optimizer: makes the optimiser of encoder and decoder.
        discriminator_optimizer: makes the adversary's.
        schedule: of the learning rates, and of λ_E (its ``adversary_warmup``); constant if None.
        adversary_weight: λ_E at the end of its warm-up; of squared errors in [0, 1], a fourth of Lample et al.'s 1e-4.
        gradient_clip: largest norm of a network's gradient, of squared errors in [-1, 1] as in their code; None does
            not clip.
        together: all networks take one step on the same images, from one backward pass (not in the paper).

    Raises:
        ValueError: a number outside its range.
    """

    labels_given = True

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        discriminator: nn.Module,
        attribute_names: Sequence[str],
        autoencoder_optimizer: MakeOptimizer,
        discriminator_optimizer: MakeOptimizer,
        schedule: Schedule | None = None,
        adversary_weight: float = 2.5e-5,
        gradient_clip: float | None = 5.0,
        together: bool = False,
    ) -> None:
        super().__init__(attribute_names)
        self.encoder, self.decoder, self.discriminator = encoder, decoder, discriminator
        self.make_optimizers = (autoencoder_optimizer, discriminator_optimizer)
        self.schedule = schedule or Schedule()
        not_negative(adversary_weight=adversary_weight)
        positive(gradient_clip=gradient_clip)
        self.adversary_weight, self.gradient_clip, self.together = adversary_weight, gradient_clip, together
        self.validation: Any = nn.ModuleDict({name: MeanMetric() for name in ("mse", "discriminator")})

    # ------------------------------------------------------------------ training

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """The adversary learns, and encoder and decoder against it."""
        optimizers: Any = self.optimizers()
        progress = self.progress(batch_idx)
        self.schedule.apply(progress, optimizers)
        weight = self.adversary_weight * self.schedule.adversary(progress)
        learn = self.one_step if self.together else self.two_steps
        terms = learn(batch["image"], batch["attributes"], weight, *optimizers)
        self.log_dict({f"train/{name}": value.detach() for name, value in terms.items()})

    def two_steps(
        self, images: Tensor, labels: Tensor, weight: float, autoencoder: Optimizer, discriminator: Optimizer
    ) -> dict[str, Tensor]:
        """Lample et al.'s code: the adversary's step, then the autoencoder's, each on its own half of the batch.

        Whoever does not learn is in evaluation mode.
        """
        (images, others), (labels, of_others) = images.chunk(2), labels.chunk(2)
        with evaluating(self.encoder), torch.no_grad():
            latent = self.encoder(images)
        guess = self.discriminator_loss(latent, labels)
        descend(self, guess, [discriminator], self.gradient_clip, counts=False)
        with evaluating(self.discriminator):
            terms = self.autoencoder_losses(others, of_others, self.encoder(others))
        total = 4 * (terms["reconstruction"] + weight * terms["adversary"])  # of images in [-1, 1]
        descend(self, total, [autoencoder], self.gradient_clip)
        return {"discriminator": guess, **terms}

    def one_step(
        self, images: Tensor, labels: Tensor, weight: float, autoencoder: Optimizer, discriminator: Optimizer
    ) -> dict[str, Tensor]:
        """The adversary on the latent as it is, encoder and decoder against the adversary as it is: one backward."""
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
            ValueError: without attributes, which nothing here predicts.
        """
        if attributes is None:
            raise ValueError("Fader Networks do not predict attributes: give them to encode")
        return attributes.nan_to_num(0.5), self.encoder(images)

    def decode(self, attributes: Tensor, nuisance: Tensor) -> Tensor:
        """(y ``[B, k]``, the latent, flat) to images in [0, 1]."""
        return torch.sigmoid(self.decoder(attributes, nuisance))
