"""cVAE-GAN (Bao et al. 2017, "CVAE-GAN: fine-grained image generation through asymmetric training")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from aif import losses
from aif.checks import below_one, not_negative
from aif.editor import AttributeEditor, MakeOptimizer, sample
from aif.modes import frozen, full_precision, untracked_statistics
from aif.schedule import Schedule
from aif.stepping import descend


class CVAEGAN(AttributeEditor):
    """Encoder and decoder both told y; the decoder is taught by features of a discriminator and of a classifier.

    Asymmetric training: discriminator and classifier minimise their cross-entropies, and the decoder matches features
    of theirs instead of maximising them. Nothing predicts y for the encoder, so ``encode`` has to be given it. Several
    attributes are as many binary classes, each with its own two feature centres.

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
        kl_weight: λ1; here and in λ3 and λ4, AIF's α and δ (§4.4) stand for Bao et al.'s own 3 and 1e-3.
        reconstruction_weight: λ2, of pixels and of features of both networks.
        discriminator_feature_weight: λ3, of the mean features of D.
        classifier_feature_weight: λ4, of the mean features of C, class by class.
        centre_decay: of the moving averages of C's features over real images.
        reduction: of squared distances and KL: the ``sum`` over an image, a code or a vector of features, as Bao et al.
            write them, averaged over the batch, or the ``mean`` over all elements.

    Raises:
        ValueError: a number outside its range.
    """

    labels_given = True

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
        kl_weight: float = 0.005,
        reconstruction_weight: float = 1.0,
        discriminator_feature_weight: float = 0.005,
        classifier_feature_weight: float = 0.005,
        centre_decay: float = 0.9,
        reduction: losses.Reduction = "sum",
    ) -> None:
        super().__init__(attribute_names)
        not_negative(kl_weight=kl_weight, reconstruction_weight=reconstruction_weight)
        not_negative(discriminator_feature_weight=discriminator_feature_weight)
        not_negative(classifier_feature_weight=classifier_feature_weight)
        below_one(centre_decay=centre_decay)
        self.encoder: Any = encoder
        self.decoder: Any = decoder
        self.discriminator: Any = discriminator
        self.classifier: Any = classifier
        self.make_optimizers = (autoencoder_optimizer, discriminator_optimizer, classifier_optimizer)
        self.schedule = schedule or Schedule()
        self.weights = {
            "kl": kl_weight,
            **dict.fromkeys(("reconstruction", "features"), reconstruction_weight),
            "discriminator_features": discriminator_feature_weight,
            "classifier_features": classifier_feature_weight,
        }
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
        """One pass of Algorithm 1's loop: no loss reaches a network that it isn't for, so one backward pass does."""
        optimizers: Any = self.optimizers()
        self.schedule.apply(self.progress(batch_idx), optimizers)
        terms = self.losses(batch["image"], batch["attributes"])
        total = torch.stack([self.weights.get(name, 1.0) * term for name, term in terms.items()]).sum()
        descend(self, total, optimizers)
        self.log_dict({f"train/{name}": value.detach() for name, value in terms.items()})

    def losses(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
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
        labels_of_all = self.of_all_processes(labels)
        self.move_centres(self.of_all_processes(class_features.detach()), labels_of_all)
        seen = [features[: len(images)].detach(), *self.seen_by(self.discriminator, reconstructed, synthesised)]
        read = [class_features.detach(), *self.seen_by(self.classifier, reconstructed, synthesised)]
        seen, read = [list(map(full_precision, each)) for each in (seen, read)]
        means = [self.of_all_processes(features).mean(0, keepdim=True) for features in (seen[0], seen[2])]
        distance, together = losses.half_squared_distance, mean.shape[1] if self.reduction == "sum" else 1
        return {
            "kl": losses.kl(mean, log_variance, "mean") * together,
            "reconstruction": distance(reconstructed, images, self.reduction),
            "features": distance(seen[1], seen[0], self.reduction) + distance(read[1], read[0], self.reduction),
            "discriminator_features": distance(means[1], means[0], self.reduction),
            "classifier_features": self.centre_distance(self.of_all_processes(read[2]), labels_of_all),
            "discriminator": losses.discriminator(real_logits, fake_logits, 1.0, "mean"),
            "class": losses.classification(full_precision(self.classifier.head(class_features)), labels),
        }

    def seen_by(self, network: Any, *fakes: Tensor) -> list[Tensor]:
        """Features of fakes, with a gradient for the fakes alone."""
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
        """L_GC: between the classes' centres and the mean features of what was drawn of each class."""
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
            ValueError: without attributes, which nothing here predicts.
        """
        if attributes is None:
            raise ValueError("cVAE-GAN does not predict attributes: give them to encode")
        known = attributes.nan_to_num(0.5)
        return known, self.posterior(images, known)[0]

    def decode(self, attributes: Tensor, nuisance: Tensor) -> Tensor:
        """(y ``[B, k]``, z ``[B, n_z]``) to images in [0, 1]."""
        return torch.sigmoid(self.decoder(attributes, nuisance))


def class_means(features: Tensor, labels: Tensor, value: int) -> tuple[Tensor, Tensor]:
    """Mean features of the samples whose label is so, attribute by attribute, and how many there are.

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
