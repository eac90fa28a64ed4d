"""The IFcVAE-GAN (AIF, Algorithm 1) as a LightningModule with manual optimisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from aif import losses
from aif.adversaries import AuxiliaryTraining, GANTerm
from aif.confusion import Confusion
from aif.edges import Edge, nonsaturating_weight
from aif.editor import AttributeEditor, sample
from aif.erasure import GaussianErasure
from aif.schedule import AdversarialSchedule
from aif.weights import Weights
from nets.checks import positive
from nets.modes import counted_twice, frozen, full_precision, untracked_statistics
from nets.stepping import MakeOptimizer, descend, whole_batch

CHUNK = 500


class IFcVAEGAN(AttributeEditor):
    """The encoder plays against the auxiliary network, encoder and decoder play against the discriminator.

    Every ablation of the paper is a setting of this class.

    Args:
        encoder: E, images to (μ, log σ², logits of ŷ).
        decoder: D, (y, z) to logits of an image.
        discriminator: C, images to logits; must not mix the samples of a batch.
        auxiliary: A, z to logits of ỹ.
        attribute_names: the k attributes, in the order of the batch's columns.
        autoencoder_optimizer: makes the optimiser of E and D. They can share one, since no loss of E alone reaches D.
        auxiliary_optimizer: makes A's.
        discriminator_optimizer: makes C's.
        schedule: of learning rates and of γ over the run; constant if None.
        weights: of the losses; the defaults of :class:`aif.weights.Weights` if None.
        gan: the form of L_gan; the paper's if None.
        auxiliary_training: what A reads and how often it steps; as in the paper if None.
        class_on_reconstruction_trains: what L_class on x̂ trains. ``decoder``: D, and through it the code, with E as a
            fixed classifier, as the paper means it. ``head``: the y head alone, as in the authors' code.
        reduction: of every loss, see :mod:`aif.losses`.
        reconstruct_from: whether D reconstructs from the ``predicted`` ŷ or the true ``label``.
        erasure: removes from μ what it still tells of ŷ. It is fitted before every validation and used whenever images
            are encoded to be edited. Not in the paper.
        gradient_clip: largest norm of the gradient of E and D together; None does not clip.

    Raises:
        ValueError: a number outside its range, or an erasure for another number of attributes.
    """

    training_parts = ("discriminator", "auxiliary", "memory")

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        discriminator: nn.Module,
        auxiliary: nn.Module,
        attribute_names: Sequence[str],
        autoencoder_optimizer: MakeOptimizer,
        auxiliary_optimizer: MakeOptimizer,
        discriminator_optimizer: MakeOptimizer,
        schedule: AdversarialSchedule | None = None,
        weights: Weights | None = None,
        gan: GANTerm | None = None,
        auxiliary_training: AuxiliaryTraining | None = None,
        class_on_reconstruction_trains: Literal["decoder", "head"] = "decoder",
        reduction: losses.Reduction = "sum",
        reconstruct_from: Literal["predicted", "label"] = "predicted",
        erasure: GaussianErasure | None = None,
        gradient_clip: float | None = None,
    ) -> None:
        super().__init__(attribute_names)
        positive(gradient_clip=gradient_clip)
        if erasure is not None and erasure.attributes != len(self.attribute_names):
            raise ValueError(
                f"model.erasure.attributes={erasure.attributes}: the model has {len(self.attribute_names)} of them"
            )
        self.weights, self.gan = weights or Weights(), gan or GANTerm()
        self.auxiliary_training = auxiliary_training or AuxiliaryTraining()
        self.memory = self.auxiliary_training.memory  # as a part of this module, so that checkpoints hold it
        self.erasure = erasure
        self.encoder: Any = encoder  # Any: a type checker does not see the parts of a module
        self.decoder, self.discriminator, self.auxiliary = decoder, discriminator, auxiliary
        self.make_optimizers = (autoencoder_optimizer, auxiliary_optimizer, discriminator_optimizer)
        self.schedule = schedule or AdversarialSchedule()
        self.class_on_reconstruction_trains = class_on_reconstruction_trains
        self.reduction: losses.Reduction = reduction
        self.reconstruct_from, self.gradient_clip = reconstruct_from, gradient_clip
        self.validation: Any = nn.ModuleDict({name: MeanMetric() for name in ("mse", "accuracy", "auxiliary")})
        self.confusion: Any = Confusion(len(self.attribute_names))

    @property
    def unread(self) -> dict[str, str]:
        """Settings that have no part in what is computed, each with the reason."""
        found: dict[str, str] = {}
        if not self.weights.gan:
            of_gan = ("discriminator", "discriminator_optimizer", "gan")
            found |= dict.fromkeys(of_gan, "model.weights.gan is 0, there is no discriminator")
        if not self.weights.class_on_reconstruction:
            found["class_on_reconstruction_trains"] = "model.weights.class_on_reconstruction is 0"
        if not self.weights.auxiliary:
            found["schedule.adversary_warmup"] = "model.weights.auxiliary is 0"
        return found

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weights of losses by their names in logs. Edges weight L_gan and L_aux; the reconstruction counts 1."""
        weights = self.weights
        return {
            "kl": weights.kl,
            "class": weights.classification,
            "class_on_reconstruction": weights.class_on_reconstruction,
        }

    # ------------------------------------------------------------------ Algorithm 1

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """One turn of Algorithm 1's loop: all losses from one forward pass, all gradients from one backward pass."""
        optimizers: Any = self.optimizers()
        progress = self.progress(batch_idx)
        self.schedule.apply(progress, optimizers)
        terms = self.step_losses(batch["image"], batch["attributes"], self.schedule.adversary(progress))
        descend(self, self.total(terms), optimizers, self.gradient_clip, clip_together=[optimizers[:1]])
        self.train_auxiliary_further(optimizers[1], len(batch["image"]))
        self.log_dict({f"train/{name}": value.detach() for name, value in terms.items()})

    def train_auxiliary_further(self, optimizer: Optimizer, count: int) -> None:
        """Take A's further steps, on ``count`` remembered codes each, so that A keeps up with the encoder."""
        for _ in range(self.auxiliary_training.steps - 1):
            assert self.memory is not None
            codes, labels = self.memory.draw(count)
            guess = full_precision(self.auxiliary(codes))
            descend(self, losses.classification(guess, labels), [optimizer], counts=False)

    def step_losses(self, images: Tensor, labels: Tensor, adversary: float = 1.0) -> dict[str, Tensor]:
        """Every loss of one batch, unweighted, through edges that give each network its own gradient.

        Args:
            images: x, ``[B, C, H, W]`` in [0, 1].
            labels: y, ``[B, k]`` in {0, 1}, NaN where unknown.
            adversary: the schedule's factor of γ.
        """
        terms: dict[str, Tensor] = {}
        mean, log_variance, label_logits = map(full_precision, self.encoder(images))  # ẑ, ŷ ← E(x)
        latent = sample(mean, log_variance)
        predicted = label_logits.sigmoid()
        known = torch.where(labels.isnan(), predicted.detach(), labels)
        decoded = full_precision(  # x̂ ← D(ŷ, ẑ)
            self.decoder(predicted if self.reconstruct_from == "predicted" else known, latent)
        )

        code = self.auxiliary_input(mean, log_variance, latent)
        if self.memory is not None and self.training:
            self.memory.add(whole_batch(self, code.detach()), whole_batch(self, labels))
        to_auxiliary = Edge(-self.weights.auxiliary * adversary)
        guess = full_precision(self.auxiliary(to_auxiliary(code)))  # ỹ ← A(ẑ)

        terms["reconstruction"] = losses.reconstruction(decoded, images, self.reduction)
        terms["kl"] = losses.kl(mean, log_variance, self.reduction)
        terms["class"] = losses.classification(label_logits, labels)
        terms["auxiliary"] = losses.classification(guess, labels)
        if self.weights.class_on_reconstruction:
            terms["class_on_reconstruction"] = self.classify_reconstruction(decoded.sigmoid(), labels)
        if self.weights.gan:
            terms["gan"] = self.gan_loss(images, decoded.sigmoid(), self.synthesise(known, latent))
        return self.over_all_processes(terms, ("reconstruction", "kl", "gan") if self.reduction == "sum" else ())

    def auxiliary_input(self, mean: Tensor, log_variance: Tensor, latent: Tensor) -> Tensor:
        """The code that A reads, ``[B, n_z]``: ẑ, another sample, or μ."""
        if self.auxiliary_training.noise == "second":
            return sample(mean, log_variance)
        return mean if self.auxiliary_training.noise == "none" else latent

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """The sum whose gradient, through the edges, is L_dec for D, L_IFcVAE-GAN for E, L_gan for C, L_aux for A."""
        weights = self.loss_weights
        # A term of weight 0 is left out. Without L_KL in the loss, σ² may overflow L_KL, and 0 · inf is not 0.
        weighted = ((weights.get(name, 1.0), term) for name, term in terms.items())
        return torch.stack([weight * term for weight, term in weighted if weight]).sum()

    def synthesise(self, labels: Tensor, like: Tensor) -> Tensor:
        """D(z, y) with z from the prior and the batch's labels, in a pass of its own, since batch norms mix a batch."""
        noise = torch.randn_like(like)
        # The authors decode the same z twice in a step, once for C's loss and once for E's and D's.
        counted = counted_twice if self.gan.running_statistics == "both" else untracked_statistics
        with counted(self.decoder):
            return torch.sigmoid(self.decoder(labels, noise))

    def gan_loss(self, images: Tensor, reconstructed: Tensor, synthesised: Tensor) -> Tensor:
        """L_gan for C; through the edges E and D get the gradient of -δ L_gan, or of the non-saturating form."""
        edges = [Edge(-self.weights.gan), Edge(-self.weights.gan)]
        fakes = [edge(fake) for edge, fake in zip(edges, (reconstructed, synthesised), strict=True)]
        real_logits, *fake_logits = full_precision(self.discriminator(torch.cat([images, *fakes]))).chunk(3)
        if self.gan.form == "nonsaturating":
            ratio = self.weights.gan * 0.5 / self.gan.discriminator_factor
            for edge, logits in zip(edges, fake_logits, strict=True):
                edge.weight = nonsaturating_weight(logits, ratio)
        return losses.discriminator(real_logits, fake_logits, self.gan.discriminator_factor, self.reduction)

    def classify_reconstruction(self, reconstructed: Tensor, labels: Tensor) -> Tensor:
        """L_class on x̂, row (3) of Table 1."""
        with untracked_statistics(self.encoder):
            if self.class_on_reconstruction_trains == "head":
                logits = self.encoder.label(self.encoder.trunk(reconstructed.detach()).detach())
            else:
                with frozen(self.encoder):
                    logits = self.encoder.label(self.encoder.trunk(reconstructed))
        return losses.classification(full_precision(logits), labels)

    # ------------------------------------------------------------------ Lightning's hooks

    def configure_optimizers(self) -> list[Optimizer]:
        autoencoder, auxiliary, discriminator = self.make_optimizers
        optimizers = [
            autoencoder([*self.encoder.parameters(), *self.decoder.parameters()]),
            auxiliary(self.auxiliary.parameters()),
        ]
        return [*optimizers, discriminator(self.discriminator.parameters())] if self.weights.gan else optimizers

    def on_fit_start(self) -> None:
        self.confusion.read(self.trainer.datamodule, self.device)  # type: ignore[attr-defined]

    def on_train_start(self) -> None:
        trainer = self.trainer
        validated = int(trainer.num_training_batches) * (trainer.check_val_every_n_epoch or 1)  # after so many batches
        if self.erasure is not None and (not trainer.limit_val_batches or self.length % validated):
            raise ValueError(
                f"model.erasure is fitted before a validation, but a run of {self.length} batches does not end "
                f"with one (trainer.check_val_every_n_epoch={trainer.check_val_every_n_epoch}, "
                f"trainer.limit_val_batches={trainer.limit_val_batches})"
            )

    def on_validation_epoch_start(self) -> None:
        """Fit the erasure on training images."""
        if self.erasure is None:
            return
        # Averaged weights are in place by now, and the checkpoint takes them together with what is fitted here.
        images, _ = self.trainer.datamodule.tensors("train")  # type: ignore[attr-defined]
        means, predicted = [], []
        for some in torch.split(images[: self.erasure.images], CHUNK):
            mean, _, label_logits = self.encoder(some.to(self.device).float() / 255)
            means.append(mean)
            predicted.append(label_logits.sigmoid())
        self.erasure.fit(torch.cat(means), torch.cat(predicted))

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        images, labels = batch["image"], batch["attributes"]
        known = ~labels.isnan()
        mean, log_variance, label_logits = self.encoder(images)
        predicted = label_logits.sigmoid()
        reconstructed = self.decode(predicted, self.nuisance(mean, log_variance, predicted))
        guess = self.auxiliary(self.auxiliary_input(mean, log_variance, sample(mean, log_variance)))
        self.validation["mse"].update((reconstructed - images).square().mean(), len(images))
        self.validation["accuracy"].update(((predicted > 0.5) == labels.bool())[known].float())
        self.validation["auxiliary"].update(losses.classification(guess, labels), known.sum())
        self.confusion.update(guess, labels)

    def on_validation_epoch_end(self) -> None:
        values = {name: metric.compute() for name, metric in self.validation.items()}
        # The paper's stopping rule: A is maximally confused when its loss equals the entropy of y (confusion 1).
        values["auxiliary"], values["auxiliary_confusion"] = self.confusion.compute(values["auxiliary"])
        self.log_dict({f"val/{name}": value for name, value in values.items()})
        for metric in self.validation.values():
            metric.reset()

    # ------------------------------------------------------------------ Editor

    def encode(self, images: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Images ``[B, C, H, W]`` to (ŷ in [0, 1] ``[B, k]``, or the given attributes; μ, or its erasure).

        The nuisance never depends on the given attributes, so that an edit can't reach the image through it.
        """
        mean, log_variance, label_logits = self.encoder(images)
        predicted = label_logits.sigmoid()
        return predicted if attributes is None else attributes, self.nuisance(mean, log_variance, predicted)

    def nuisance(self, mean: Tensor, log_variance: Tensor, predicted: Tensor) -> Tensor:
        """The code that edits start from, ``[B, n_z]``: μ, or a sample from which the erasure has removed ŷ."""
        return mean if self.erasure is None else self.erasure(mean, log_variance, predicted)

    def sample_nuisance(self, images: Tensor) -> Tensor:
        """Images to ẑ ~ q(z|x), ``[B, n_z]``, which A and D read in training."""
        mean, log_variance, _ = self.encoder(images)
        return sample(mean, log_variance)

    def decode(self, attributes: Tensor, nuisance: Tensor) -> Tensor:
        """(y ``[B, k]``, z ``[B, n_z]``) to images in [0, 1]."""
        return torch.sigmoid(self.decoder(attributes, nuisance))
