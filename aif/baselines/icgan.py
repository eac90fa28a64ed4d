"""IcGAN (Perarnau et al. 2016, "Invertible conditional GANs for image editing"): a GAN, then two encoders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from aif import losses
from aif.edges import Edge, nonsaturating_weight
from aif.editor import AttributeEditor
from aif.schedule import Schedule
from nets.checks import at_least_one, not_negative
from nets.modes import full_precision
from nets.stepping import MakeOptimizer, descend


class IcGAN(AttributeEditor):
    """One run in two stages. First G plays against C, and both read y; then E_z inverts G, and E_y learns to classify.

    Args:
        generator: G, (y, z) to logits of an image.
        discriminator: C, (images, y) to logits; must not mix the samples of a batch.
        encoder_z: images to z.
        encoder_y: images to logits of y.
        attribute_names: the k attributes, in the order of the batch's columns.
        latent_dim: n_z.
        generator_optimizer: makes G's optimiser.
        discriminator_optimizer: makes C's.
        encoder_optimizer: makes the optimiser of both encoders.
        gan_share: share of the run that trains the GAN; the rest trains the encoders.
        gradient_penalty: weight of C's R1 penalty (the γ of Mescheder et al.); IcGAN has none.
        penalty_every: batches from one penalty to the next; each penalty counts as many times as much (the lazy
            regularisation of Karras et al. 2020).
        schedule: of the learning rates, for each stage by itself; constant if None.

    Raises:
        ValueError: ``gan_share`` leaves no batch for one of the stages, or a number is outside its range.
    """

    training_parts = ("discriminator",)

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        encoder_z: nn.Module,
        encoder_y: nn.Module,
        attribute_names: Sequence[str],
        latent_dim: int,
        generator_optimizer: MakeOptimizer,
        discriminator_optimizer: MakeOptimizer,
        encoder_optimizer: MakeOptimizer,
        gan_share: float = 0.7,
        gradient_penalty: float = 0.0,
        penalty_every: int = 8,
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(attribute_names)
        if not 0 < gan_share < 1:
            raise ValueError(f"model.gan_share={gan_share} must leave both stages something: choose between 0 and 1")
        at_least_one(latent_dim=latent_dim, penalty_every=penalty_every)
        not_negative(gradient_penalty=gradient_penalty)
        self.generator, self.discriminator = generator, discriminator
        self.encoder_z, self.encoder_y = encoder_z, encoder_y
        self.latent_dim, self.gan_share = latent_dim, gan_share
        self.gradient_penalty, self.penalty_every = gradient_penalty, penalty_every
        self.make_optimizers = (generator_optimizer, discriminator_optimizer, encoder_optimizer)
        self.schedule = schedule or Schedule()
        self.validation: Any = nn.ModuleDict({name: MeanMetric() for name in ("mse", "accuracy")})

    @property
    def unread(self) -> dict[str, str]:
        """Settings that have no part in what is computed, each with the reason."""
        return {} if self.gradient_penalty else {"penalty_every": "model.gradient_penalty is 0"}

    # ------------------------------------------------------------------ training

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """One step of the GAN or of the encoders, depending on the place in the run."""
        optimizers: Any = self.optimizers()
        generator, discriminator, encoders = optimizers
        images, labels = batch["image"], batch["attributes"]
        position, progress = self.position(batch_idx), self.progress(batch_idx)
        if progress < self.gan_share:
            terms = self.gan_losses(images, labels)
            if self.gradient_penalty and position % self.penalty_every == 0:
                weight = self.gradient_penalty * self.penalty_every
                terms["gradient_penalty"] = weight * self.penalty(images, labels)
            self.step([generator, discriminator], progress / self.gan_share, terms)
        else:
            rest = (progress - self.gan_share) / (1 - self.gan_share)
            self.step([encoders], rest, self.encoder_losses(images, labels))

    def step(self, optimizers: Sequence[Optimizer], progress: float, terms: dict[str, Tensor]) -> None:
        """One backward pass and a step of each optimiser."""
        self.schedule.apply(progress, optimizers)
        descend(self, torch.stack(list(terms.values())).sum(), optimizers)
        self.log_dict({f"train/{name}": value.detach() for name, value in terms.items()})

    def gan_losses(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Eq. 2 of IcGAN with mismatched pairs, the non-saturating form for G, from one pass (see :mod:`aif.edges`)."""
        other, known = self.other_labels(labels)
        labels = labels.nan_to_num(0.5)
        self.generator.train()
        fake = torch.sigmoid(self.generator(labels, self.noise(images)))
        edge = Edge()
        logits = self.discriminator(torch.cat([images, edge(fake), images]), torch.cat([labels, labels, other]))
        real_logits, fake_logits, mismatched_logits = full_precision(logits).chunk(3)
        edge.weight = nonsaturating_weight(fake_logits, ratio=2.0)  # the fakes count half in C's loss
        return {"gan": losses.conditional_discriminator(real_logits, fake_logits, mismatched_logits, known)}

    def other_labels(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """y with one attribute flipped in each row ``[B, k]``, and whether that attribute is known ``[B]``."""
        chosen = torch.randint(labels.shape[1], (len(labels), 1), device=labels.device)
        flipped = labels.scatter(1, chosen, 1 - labels.gather(1, chosen))
        return flipped.nan_to_num(0.5), ~labels.gather(1, chosen).isnan().squeeze(1)

    def penalty(self, images: Tensor, labels: Tensor) -> Tensor:
        """The R1 penalty on C at real images, in full precision."""
        images = images.detach().requires_grad_()
        with torch.autocast(images.device.type, enabled=False):
            logits = self.discriminator(images, labels.nan_to_num(0.5))
        (gradients,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
        return losses.gradient_penalty(gradients)

    def encoder_losses(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Eqs. 3 and 4 of IcGAN: E_z on images that G makes from known z, E_y on real images."""
        self.generator.eval()
        noise = self.noise(images)
        with torch.no_grad():
            generated = torch.sigmoid(self.generator(labels.nan_to_num(0.5), noise))
        known = ~labels.isnan()
        predicted = torch.sigmoid(full_precision(self.encoder_y(images)))
        squared = (predicted - labels.nan_to_num()).square() * known
        return {
            "latent": F.mse_loss(full_precision(self.encoder_z(generated)), noise),
            "class": squared.sum() / known.sum().clamp(min=1),
        }

    def noise(self, images: Tensor) -> Tensor:
        """z from the prior, ``[B, n_z]``."""
        return torch.randn(len(images), self.latent_dim, device=images.device)

    # ------------------------------------------------------------------ Lightning's hooks

    def configure_optimizers(self) -> list[Optimizer]:
        generator, discriminator, encoders = self.make_optimizers
        return [
            generator(self.generator.parameters()),
            discriminator(self.discriminator.parameters()),
            encoders([*self.encoder_z.parameters(), *self.encoder_y.parameters()]),
        ]

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        images, labels = batch["image"], batch["attributes"]
        known = ~labels.isnan()
        predicted, latent = self.encode(images)
        error = (self.decode(predicted, latent) - images).square().mean()
        self.validation["mse"].update(error, len(images))
        self.validation["accuracy"].update(((predicted > 0.5) == labels.bool())[known].float())

    # ------------------------------------------------------------------ Editor

    def encode(self, images: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Images ``[B, C, H, W]`` to (E_y in [0, 1] ``[B, k]``, or the given attributes; E_z ``[B, n_z]``)."""
        predicted = torch.sigmoid(self.encoder_y(images)) if attributes is None else attributes
        return predicted, self.encoder_z(images)

    def decode(self, attributes: Tensor, nuisance: Tensor) -> Tensor:
        """(y ``[B, k]``, z ``[B, n_z]``) to images in [0, 1]."""
        return torch.sigmoid(self.generator(attributes, nuisance))
