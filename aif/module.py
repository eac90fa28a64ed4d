"""The IFcVAE-GAN (AIF, Algorithm 1) as a LightningModule with manual optimisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from aif import losses
from aif.checks import at_least_one, not_negative, positive
from aif.edges import Edge, nonsaturating_weight
from aif.editor import AttributeEditor, MakeOptimizer, sample
from aif.erasure import GaussianErasure
from aif.memory import Memory
from aif.modes import counted_twice, frozen, full_precision, untracked_statistics
from aif.schedule import AdversarialSchedule
from aif.stepping import descend

CHUNK = 500


class IFcVAEGAN(AttributeEditor):
    """Encoder against auxiliary, encoder and decoder against discriminator.

    Every ablation of the paper is a setting of this class.

    Args:
        encoder: E, images to (μ, log σ², logits of ŷ).
        decoder: D, (y, z) to logits of an image.
        discriminator: C, images to logits; must not mix the samples of a batch.
        auxiliary: A, z to logits of ỹ.
        attribute_names: the k attributes, in the order of the batch's columns.
        autoencoder_optimizer: makes the optimiser of E and D. One suffices, since no loss that E alone should see
            reaches D.
        auxiliary_optimizer: makes A's.
        discriminator_optimizer: makes C's.
        schedule: of learning rates and of γ over the run; constant if None.
        kl_weight: α, eq. 4.
        class_weight: ρ, eq. 4.
        gan_weight: δ, eqs. 3 and 4; 0 leaves C out altogether.
        auxiliary_weight: γ, of L_aux in eq. 6; 0 trains A as a mere observer.
        class_on_reconstruction_weight: β, the weight of L_class on x̂, row (3) of Table 1.
        class_on_reconstruction: what that term trains: the ``decoder`` (and through it the code), E acting as a fixed
            classifier, as the paper means it; or the y ``head`` alone, as the authors' code does.
        reduction: of every loss, see :mod:`aif.losses`.
        gan_form: ``saturating`` (eqs. 3 and 4) or ``nonsaturating`` (the authors' code, their factor 0.5).
        discriminator_factor: in L_gan; 1/3 in the paper, 0.3 in the authors' code.
        reconstruct_from: whether D reconstructs from the ``predicted`` ŷ or the true ``label``.
        auxiliary_noise: A reads the ``shared`` ẑ that D reads, a ``second``, independent sample (authors' code), or μ
            itself, with noise of ``none``: the code that edits start from.
        auxiliary_steps: of A for each step of the encoder; those beyond the first are on what it remembers.
        memory: the codes of the last batches, for those further steps; None if there are none.
        erasure: what takes out of μ what it still tells of ŷ; fitted before every validation, used wherever images are
            encoded to be edited. Not in the paper.
        gradient_clip: largest norm of the gradient of E and D together; None does not clip.
        statistics: D's running batch-norm statistics come from ``reconstructions`` alone or from ``both``, prior
            samples counting twice, as in the authors' code.

    Raises:
        ValueError: a number outside its range, one of further steps and memory without the other, or an erasure of
            another number of attributes.
    """

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
        kl_weight: float = 0.2,
        class_weight: float = 0.1,
        gan_weight: float = 0.1,
        auxiliary_weight: float = 1.0,
        class_on_reconstruction_weight: float = 0.0,
        class_on_reconstruction: Literal["decoder", "head"] = "decoder",
        reduction: losses.Reduction = "sum",
        gan_form: Literal["saturating", "nonsaturating"] = "saturating",
        discriminator_factor: float = 1 / 3,
        reconstruct_from: Literal["predicted", "label"] = "predicted",
        auxiliary_noise: Literal["shared", "second", "none"] = "shared",
        auxiliary_steps: int = 1,
        memory: Memory | None = None,
        erasure: GaussianErasure | None = None,
        statistics: Literal["reconstructions", "both"] = "reconstructions",
        gradient_clip: float | None = None,
    ) -> None:
        super().__init__(attribute_names)
        not_negative(kl_weight=kl_weight, class_weight=class_weight, gan_weight=gan_weight)
        not_negative(auxiliary_weight=auxiliary_weight, class_on_reconstruction_weight=class_on_reconstruction_weight)
        positive(discriminator_factor=discriminator_factor, gradient_clip=gradient_clip)
        at_least_one(auxiliary_steps=auxiliary_steps)
        if (auxiliary_steps > 1) != (memory is not None):
            raise ValueError(
                f"model.auxiliary_steps={auxiliary_steps}: more than 1 need model.memory, and 1 reads none (ablation="
                "strong_auxiliary has both)"
            )
        if erasure is not None and erasure.attributes != len(self.attribute_names):
            raise ValueError(
                f"model.erasure.attributes={erasure.attributes}: the model has {len(self.attribute_names)} of them"
            )
        self.auxiliary_steps, self.memory, self.erasure = auxiliary_steps, memory, erasure
        self.encoder: Any = encoder  # Any: a type checker does not see the parts of a module
        self.decoder, self.discriminator, self.auxiliary = decoder, discriminator, auxiliary
        self.make_optimizers = (autoencoder_optimizer, auxiliary_optimizer, discriminator_optimizer)
        self.schedule = schedule or AdversarialSchedule()
        self.kl_weight, self.class_weight, self.gan_weight = kl_weight, class_weight, gan_weight
        self.auxiliary_weight = auxiliary_weight
        self.class_on_reconstruction_weight = class_on_reconstruction_weight
        self.class_on_reconstruction = class_on_reconstruction
        self.reduction: losses.Reduction = reduction
        self.gan_form, self.discriminator_factor = gan_form, discriminator_factor
        self.reconstruct_from, self.auxiliary_noise = reconstruct_from, auxiliary_noise
        self.statistics, self.gradient_clip = statistics, gradient_clip
        self.validation: Any = nn.ModuleDict({name: MeanMetric() for name in ("mse", "accuracy", "auxiliary")})
        self.rates: Any = nn.ModuleList(MeanMetric() for _ in self.attribute_names)  # in a list: names are the user's

    @property
    def unread(self) -> dict[str, str]:
        """Settings that have no part in what is computed, and why."""
        found: dict[str, str] = {}
        if not self.gan_weight:
            of_gan = ("discriminator", "discriminator_optimizer", "gan_form", "discriminator_factor", "statistics")
            found |= dict.fromkeys(of_gan, "without model.gan_weight there is no discriminator")
        if not self.class_on_reconstruction_weight:
            found["class_on_reconstruction"] = "model.class_on_reconstruction_weight is 0"
        if not self.auxiliary_weight:
            found["schedule.adversary_warmup"] = "model.auxiliary_weight is 0"
        return found

    # ------------------------------------------------------------------ Algorithm 1

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """One pass of Algorithm 1's loop: all losses from one forward pass, all gradients from one backward pass."""
        optimizers: Any = self.optimizers()
        progress = self.progress(batch_idx)
        self.schedule.apply(progress, optimizers)
        terms = self.losses(batch["image"], batch["attributes"], self.schedule.adversary(progress))
        descend(self, self.total(terms), optimizers, self.gradient_clip, clipped=optimizers[:1])
        self.practise(optimizers[1], len(batch["image"]))
        self.log_dict({f"train/{name}": value.detach() for name, value in terms.items()})

    def practise(self, optimizer: Optimizer, count: int) -> None:
        """Let A catch up with the encoder: further steps, on codes of the last batches."""
        for _ in range(self.auxiliary_steps - 1):
            assert self.memory is not None
            codes, labels = self.memory.draw(count)
            guess = full_precision(self.auxiliary(codes))
            descend(self, losses.classification(guess, labels), [optimizer], counts=False)

    def losses(self, images: Tensor, labels: Tensor, adversary: float = 1.0) -> dict[str, Tensor]:
        """Every loss of one batch, unweighted, with the edges in place that send each network its own gradient.

        Args:
            images: x, ``[B, C, H, W]`` in [0, 1].
            labels: y, ``[B, k]`` in {0, 1}, NaN where unknown.
            adversary: what the schedule multiplies γ with.
        """
        terms: dict[str, Tensor] = {}
        mean, log_variance, label_logits = map(full_precision, self.encoder(images))  # ẑ, ŷ ← E(x)
        latent = sample(mean, log_variance)
        predicted = label_logits.sigmoid()
        known = torch.where(labels.isnan(), predicted.detach(), labels)
        decoded = full_precision(  # x̂ ← D(ŷ, ẑ)
            self.decoder(predicted if self.reconstruct_from == "predicted" else known, latent)
        )

        read = self.what_auxiliary_reads(mean, log_variance, latent)
        if self.memory is not None and self.training:
            self.memory.add(self.of_all_processes(read.detach()), self.of_all_processes(labels))
        to_auxiliary = Edge(-self.auxiliary_weight * adversary)
        guess = full_precision(self.auxiliary(to_auxiliary(read)))  # ỹ ← A(ẑ)

        terms["reconstruction"] = losses.reconstruction(decoded, images, self.reduction)
        terms["kl"] = losses.kl(mean, log_variance, self.reduction)
        terms["class"] = losses.classification(label_logits, labels)
        terms["auxiliary"] = losses.classification(guess, labels)
        if self.class_on_reconstruction_weight:
            terms["class_on_reconstruction"] = self.classify_reconstruction(decoded.sigmoid(), labels)
        if self.gan_weight:
            terms["gan"] = self.gan_loss(images, decoded.sigmoid(), self.synthesise(known, latent))
        return self.over_all_processes(terms, ("reconstruction", "kl", "gan") if self.reduction == "sum" else ())

    def what_auxiliary_reads(self, mean: Tensor, log_variance: Tensor, latent: Tensor) -> Tensor:
        """ẑ, another sample, or μ, ``[B, n_z]``."""
        if self.auxiliary_noise == "second":
            return sample(mean, log_variance)
        return mean if self.auxiliary_noise == "none" else latent

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """The sum whose gradient, through the edges, is L_dec for D, L_IFcVAE-GAN for E, L_gan for C, L_aux for A."""
        weights = {
            "kl": self.kl_weight,
            "class": self.class_weight,
            "class_on_reconstruction": self.class_on_reconstruction_weight,
        }
        # A term without weight is left out: without L_KL, σ² is free to overflow it, and 0 · inf is not 0.
        weighted = ((weights.get(name, 1.0), term) for name, term in terms.items())
        return torch.stack([weight * term for weight, term in weighted if weight]).sum()

    def synthesise(self, labels: Tensor, like: Tensor) -> Tensor:
        """D(z, y) with z from the prior and the batch's labels: a pass of its own, since batch norms mix a batch."""
        noise = torch.randn_like(like)
        # The authors decode the same z twice in a step, once for C's loss and once for E's and D's.
        counted = counted_twice if self.statistics == "both" else untracked_statistics
        with counted(self.decoder):
            return torch.sigmoid(self.decoder(labels, noise))

    def gan_loss(self, images: Tensor, reconstructed: Tensor, synthesised: Tensor) -> Tensor:
        """L_gan; what reaches E and D through the edges is -δ L_gan, or the non-saturating form's gradient."""
        edges = [Edge(-self.gan_weight), Edge(-self.gan_weight)]
        fakes = [edge(fake) for edge, fake in zip(edges, (reconstructed, synthesised), strict=True)]
        real_logits, *fake_logits = full_precision(self.discriminator(torch.cat([images, *fakes]))).chunk(3)
        if self.gan_form == "nonsaturating":
            ratio = self.gan_weight * 0.5 / self.discriminator_factor
            for edge, logits in zip(edges, fake_logits, strict=True):
                edge.weight = nonsaturating_weight(logits, ratio)
        return losses.discriminator(real_logits, fake_logits, self.discriminator_factor, self.reduction)

    def classify_reconstruction(self, reconstructed: Tensor, labels: Tensor) -> Tensor:
        """L_class on x̂, row (3) of Table 1."""
        with untracked_statistics(self.encoder):
            if self.class_on_reconstruction == "head":
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
        return [*optimizers, discriminator(self.discriminator.parameters())] if self.gan_weight else optimizers

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
        """Averaged weights are in place by now; what is fitted here goes into the checkpoint with them."""
        if self.erasure is None:
            return
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
        guess = self.auxiliary(self.what_auxiliary_reads(mean, log_variance, sample(mean, log_variance)))
        self.validation["mse"].update((reconstructed - images).square().mean(), len(images))
        self.validation["accuracy"].update(((predicted > 0.5) == labels.bool())[known].float())
        self.validation["auxiliary"].update(losses.classification(guess, labels), known.sum())
        for rate, column in zip(self.rates, labels.T, strict=True):
            rate.update(column[~column.isnan()])

    def on_validation_epoch_end(self) -> None:
        values = {name: metric.compute() for name, metric in self.validation.items()}
        rates = torch.stack([rate.compute() for rate in self.rates])
        entropies = -(torch.xlogy(rates, rates) + torch.xlogy(1 - rates, 1 - rates))
        entropy = entropies.nanmean()  # of attributes of which some label is known
        # The paper's stopping rule: A is maximally confused where its loss is the entropy of y (confusion 1). Where
        # every attribute is always, or never, there, nothing can be told of A.
        values["auxiliary_confusion"] = values["auxiliary"] / torch.where(entropy > 0, entropy, torch.nan)
        self.log_dict({f"val/{name}": value for name, value in values.items()})
        for metric in (*self.validation.values(), *self.rates):
            metric.reset()

    # ------------------------------------------------------------------ Editor

    def encode(self, images: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Images ``[B, C, H, W]`` to (ŷ in [0, 1] ``[B, k]``, or the attributes given; μ, or its erasure).

        The attributes given have no part in the nuisance: a wish must not reach the image through it.
        """
        mean, log_variance, label_logits = self.encoder(images)
        predicted = label_logits.sigmoid()
        return predicted if attributes is None else attributes, self.nuisance(mean, log_variance, predicted)

    def nuisance(self, mean: Tensor, log_variance: Tensor, predicted: Tensor) -> Tensor:
        """What edits start from, ``[B, n_z]``: μ, or a sample that erasure, told ŷ, has gone over."""
        return mean if self.erasure is None else self.erasure(mean, log_variance, predicted)

    def sample_nuisance(self, images: Tensor) -> Tensor:
        """Images to ẑ ~ q(z|x), ``[B, n_z]``: what A and D read in training."""
        mean, log_variance, _ = self.encoder(images)
        return sample(mean, log_variance)

    def decode(self, attributes: Tensor, nuisance: Tensor) -> Tensor:
        """(y ``[B, k]``, z ``[B, n_z]``) to images in [0, 1]."""
        return torch.sigmoid(self.decoder(attributes, nuisance))
