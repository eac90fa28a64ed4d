"""cVAE-GAN (Bao et al. 2017, "CVAE-GAN: fine-grained image generation through asymmetric training")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from aif import losses
from aif.editor import AttributeEditor, sample
from aif.schedule import Schedule
from nets.checks import below_one, not_negative
from nets.modes import frozen, full_precision, untracked_statistics
from nets.stepping import MakeOptimizer, descend, whole_batch


@dataclass(frozen=True)
class Weights:
    """The weights of Bao et al.'s losses. Their own λ1 is 3, their λ3 and λ4 are 1e-3; the defaults are AIF's (§4.4).

    Attributes:
        kl: λ1; AIF's α.
        reconstruction: λ2, of pixels and of features of both networks.
        discriminator_features: λ3, of the mean features of D; AIF's δ.
        classifier_features: λ4, of the mean features of C, class by class; AIF's δ.

    Raises:
        ValueError: a weight below 0.
    """

    kl: float = 0.005
    reconstruction: float = 1.0
    discriminator_features: float = 0.005
    classifier_features: float = 0.005

    def __post_init__(self) -> None:
        not_negative(**asdict(self))


class CVAEGAN(AttributeEditor):
    """Encoder and decoder both read y; the decoder learns from features of a discriminator and of a classifier.

    Training is asymmetric: discriminator and classifier minimise their cross-entropies, and the decoder matches their
    features instead of maximising those cross-entropies. No network predicts y for the encoder, so ``encode`` needs the
    attributes. Each attribute is a binary class with two feature centres.

    Args:
        encoder: E, (x, y) to μ and log σ² side by side, ``[B, 2 n_z]``.
        decoder: G, (y, z) to logits of an image.
        discriminator: D, images to logits; must not mix the samples of a batch.
        classifier: C, images to logits of y.
        attribute_names: the k attributes, in the order of the batch's columns.
        autoencoder_optimizer: makes the optimiser of E and G.
        discriminator_optimizer: makes D's.
        classifier_optimizer: makes C's.
        schedule: of the learning rates; constant if None.
        weights: of the losses; AIF's if None.
        centre_decay: of the moving averages of C's features over real images.
        reduction: of squared distances and KL: the ``sum`` over an image, a code or a vector of features, as Bao et al.
            write them, averaged over the batch, or the ``mean`` over all elements.

    Raises:
        ValueError: a number outside its range.
    """

    labels_given = True
    training_parts = ("discriminator", "classifier", "centres", "centred")

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        discriminator: nn.Module,
        classifier: nn.Module,
        attribute_names: Sequence[str],
        autoencoder_optimizer: MakeOptimizer,
        discriminator_optimizer: MakeOptimizer,
        classifier_optimizer: MakeOptimizer,
        schedule: Schedule | None = None,
        weights: Weights | None = None,
        centre_decay: float = 0.9,
        reduction: losses.Reduction = "sum",
    ) -> None:
        super().__init__(attribute_names)
        below_one(centre_decay=centre_decay)
        self.encoder: Any = encoder
        self.decoder: Any = decoder
        self.discriminator: Any = discriminator
        self.classifier: Any = classifier
        self.make_optimizers = (autoencoder_optimizer, discriminator_optimizer, classifier_optimizer)
        self.schedule = schedule or Schedule()
        self.weights = weights or Weights()
        self.centre_decay = centre_decay
        self.reduction: losses.Reduction = reduction
        head: Any = classifier.head
        self.centres: Tensor
        self.centred: Tensor
        self.register_buffer("centres", torch.zeros(2, len(self.attribute_names), head.in_features))
        self.register_buffer("centred", torch.zeros(2, len(self.attribute_names), dtype=torch.bool))
        self.validation: Any = nn.ModuleDict({name: MeanMetric() for name in ("mse", "accuracy")})

    # ------------------------------------------------------------------ Algorithm 1 of Bao et al.

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """One turn of Algorithm 1's loop. Each loss reaches only the networks it trains: one backward pass suffices."""
        optimizers: Any = self.optimizers()
        self.schedule.apply(self.progress(batch_idx), optimizers)
        terms = self.step_losses(batch["image"], batch["attributes"])
        weights = {**asdict(self.weights), "features": self.weights.reconstruction}
        total = torch.stack([weights.get(name, 1.0) * term for name, term in terms.items()]).sum()
        descend(self, total, optimizers)
        self.log_dict({f"train/{name}": value.detach() for name, value in terms.items()})

    def step_losses(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Every loss of one batch, unweighted.

        Args:
            images: x, ``[B, C, H, W]`` in [0, 1].
            labels: c, ``[B, k]`` in {0, 1}, NaN where unknown.
        """
        known = labels.nan_to_num(0.5)
        mean, log_variance = self.posterior(images, known)
        latent = sample(mean, log_variance)
        reconstructed = torch.sigmoid(full_precision(self.decoder(known, latent)))  # x_f ← G(E(x), c)
        with untracked_statistics(self.decoder):
            synthesised = torch.sigmoid(full_precision(self.decoder(known, torch.randn_like(latent))))  # x_p ← G(z, c)

        fakes = [reconstructed.detach(), synthesised.detach()]
        features = self.discriminator.trunk(torch.cat([images, *fakes]))  # without batch norm: an image at a time
        real_logits, *fake_logits = full_precision(self.discriminator.head(features).squeeze(1)).chunk(3)
        class_features = self.classifier.trunk(images)
        labels_of_all = whole_batch(self, labels)
        self.move_centres(whole_batch(self, class_features.detach()), labels_of_all)
        seen = [features[: len(images)].detach(), *self.seen_by(self.discriminator, reconstructed, synthesised)]
        read = [class_features.detach(), *self.seen_by(self.classifier, reconstructed, synthesised)]
        seen, read = [list(map(full_precision, each)) for each in (seen, read)]
        means = [whole_batch(self, features).mean(0, keepdim=True) for features in (seen[0], seen[2])]
        distance, dimensions = losses.half_squared_distance, mean.shape[1] if self.reduction == "sum" else 1
        return {
            "kl": losses.kl(mean, log_variance, "mean") * dimensions,
            "reconstruction": distance(reconstructed, images, self.reduction),
            "features": distance(seen[1], seen[0], self.reduction) + distance(read[1], read[0], self.reduction),
            "discriminator_features": distance(means[1], means[0], self.reduction),
            "classifier_features": self.centre_distance(whole_batch(self, read[2]), labels_of_all),
            "discriminator": losses.discriminator(real_logits, fake_logits, 1.0, "mean"),
            "class": losses.classification(full_precision(self.classifier.head(class_features)), labels),
        }

    def seen_by(self, network: Any, *fakes: Tensor) -> list[Tensor]:
        """Features of fakes, with a gradient to the fakes alone."""
        with untracked_statistics(network), frozen(network):
            return [network.trunk(fake) for fake in fakes]

    def move_centres(self, features: Tensor, labels: Tensor) -> None:
        """Move every class's centre towards the mean of C's features over the batch's real images of that class."""
        for value in (0, 1):
            mean, count = class_means(features, labels, value)
            keep = torch.where(self.centred[value], self.centre_decay, 0.0)[:, None]
            there = (count > 0)[:, None]
            self.centres[value] = torch.where(
                there, keep * self.centres[value] + (1 - keep) * mean, self.centres[value]
            )
            self.centred[value] |= count > 0

    def centre_distance(self, features: Tensor, labels: Tensor) -> Tensor:
        """L_GC: the distance between each class's centre and the mean features of the samples drawn for that class."""
        total = features.new_zeros(())
        for value in (0, 1):
            mean, count = class_means(features, labels, value)
            there = ((count > 0) & self.centred[value]).to(features.dtype)
            apart = (mean - self.centres[value]).square() * there[:, None]
            total = total + 0.5 * (apart.mean() if self.reduction == "mean" else apart.sum())
        return total

    def posterior(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """μ and log σ² of q(z | x, c), ``[B, n_z]`` each."""
        mean, log_variance = full_precision(self.encoder(images, labels)).chunk(2, dim=1)
        return mean, log_variance

    # ------------------------------------------------------------------ Lightning's hooks

    def configure_optimizers(self) -> list[Optimizer]:
        autoencoder, discriminator, classifier = self.make_optimizers
        return [
            autoencoder([*self.encoder.parameters(), *self.decoder.parameters()]),
            discriminator(self.discriminator.parameters()),
            classifier(self.classifier.parameters()),
        ]

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        images, labels = batch["image"], batch["attributes"]
        known = ~labels.isnan()
        error = (self.decode(*self.encode(images, labels)) - images).square().mean()
        self.validation["mse"].update(error, len(images))
        self.validation["accuracy"].update(((self.classifier(images) > 0) == labels.bool())[known].float())

    # ------------------------------------------------------------------ Editor

    def encode(self, images: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Images ``[B, C, H, W]`` and their attributes (NaN: unknown) to (those attributes, μ ``[B, n_z]``).

        Raises:
            ValueError: no attributes given; this method does not predict them.
        """
        if attributes is None:
            raise ValueError("cVAE-GAN does not predict attributes: give them to encode")
        known = attributes.nan_to_num(0.5)
        return known, self.posterior(images, known)[0]

    def decode(self, attributes: Tensor, nuisance: Tensor) -> Tensor:
        """(y ``[B, k]``, z ``[B, n_z]``) to images in [0, 1]."""
        return torch.sigmoid(self.decoder(attributes, nuisance))


def class_means(features: Tensor, labels: Tensor, value: int) -> tuple[Tensor, Tensor]:
    """Mean features of the samples whose label has a value, attribute by attribute, and the number of those samples.

    Args:
        features: ``[B, F]``.
        labels: ``[B, k]`` in {0, 1}; NaN is neither.
        value: 0 or 1.

    Returns:
        ``[k, F]`` and ``[k]``.
    """
    features = full_precision(features)
    chosen = (labels == value).to(features.dtype)
    count = chosen.sum(0)
    with torch.autocast(features.device.type, enabled=False):  # a product of matrices would be taken in bf16
        return chosen.T @ features / count.clamp(min=1)[:, None], count
