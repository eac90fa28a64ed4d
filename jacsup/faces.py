"""The face autoencoder of JacSup §4 as a LightningModule: a teacher in two stages, then student after student."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer

from jacsup import losses
from jacsup.face_networks import AttributeAutoencoder
from jacsup.stages import StagedModule, load_stage
from jacsup.weights import FaceWeights
from nets.checks import positive
from nets.modes import frozen, untracked_statistics
from nets.stepping import MakeOptimizer, descend, whole_batch


class ProgressiveAttributeAutoencoder(StagedModule):
    """An autoencoder with k named attributes in its code that becomes its own teacher. An ``Editor`` and a ``Coder``.

    Stage 0 trains a teacher without the cycle losses, and stage 1 continues with them. Each growth makes a student that
    starts from the weights of the stage before. The teacher of stage 1 supervises all students.

    Args:
        network: the autoencoder, open at the teacher's size.
        attribute_names: the k attributes, in the order of the batch's columns.
        optimizer: makes the optimisers, one for the encoder and one for the decoder; every stage starts with new ones.
        teacher_weights: of the teacher's losses, eq. 14.
        student_weights: of the students' losses. With the teacher's weights, students are the paper's control (§4.3):
            they continue with the training procedure as the teacher.
        prediction_reduction: of eq. 11 over the attributes: the ``mean``, or the ``sum``, as in the authors' code.
        cycle_target: eq. 12 against the ``value`` of y, or its ``sign``, as in the authors' code.
        cycle_root: see :func:`jacsup.losses.cycle_nuisance`.
        covariance_root: eq. 10 under a square root, as in the authors' code.
        gradient_clip: largest norm of the gradient of all that a step updates; None does not clip.

    Raises:
        ValueError: a network for another number of attributes, weights that are all 0 in the first step, or teacher's
            weights of losses that only students have.
    """

    opens = "latent_channels"
    may_stay = True  # in the teacher's second stage

    def __init__(
        self,
        network: AttributeAutoencoder,
        attribute_names: Sequence[str],
        optimizer: MakeOptimizer,
        teacher_weights: FaceWeights,
        student_weights: FaceWeights,
        prediction_reduction: losses.Reduction = "mean",
        cycle_target: Literal["value", "sign"] = "value",
        cycle_root: bool = False,
        covariance_root: bool = False,
        gradient_clip: float | None = None,
    ) -> None:
        super().__init__(network.open, "mse", "accuracy", "code", "difference")
        positive(gradient_clip=gradient_clip)
        self.attribute_names = tuple(attribute_names)
        if len(self.attribute_names) != network.attributes:
            raise ValueError(f"{len(self.attribute_names)} attributes, but the network has {network.attributes}")
        of_both = "reconstruction", "prediction", "covariance"
        teacher_weights.must_teach("model.teacher_weights", *of_both)
        student_weights.must_teach("model.student_weights", *of_both, "code", "difference")
        if teacher_weights.code or teacher_weights.difference:
            raise ValueError("model.teacher_weights: code and difference are of students alone, they must be 0")
        self.network, self.make_optimizer = network, optimizer
        self.teacher_weights, self.student_weights = teacher_weights, student_weights
        self.prediction_reduction: losses.Reduction = prediction_reduction
        self.cycle_target, self.cycle_root, self.covariance_root = cycle_target, cycle_root, covariance_root
        self.gradient_clip = gradient_clip
        self.teacher: AttributeAutoencoder | None = None

    # ------------------------------------------------------------------ stages

    def check_stages(self, sizes: Sequence[int]) -> None:
        """Check that the schedule has a second stage of the teacher, in which λ4 and λ5 count.

        Raises:
            ValueError: the teacher has cycle losses, and its second stage is missing.
        """
        weights = self.teacher_weights
        if weights.cycle_attributes + weights.cycle_nuisance > 0 and sizes[:2] != [sizes[0]] * 2:
            raise ValueError(
                f"callbacks.growth.sizes={list(sizes)} has no second stage of the teacher, in which its cycle losses "
                f"count: say {[sizes[0], *sizes]}, or model.teacher_weights.cycle_attributes=0 and .cycle_nuisance=0"
            )

    def grow(self, channels: int) -> None:
        """End a stage. If channels open, the teacher is frozen, and a student begins (JacSup §4.2.2)."""
        self.stage += 1
        if channels == 0:  # the teacher continues, with the cycle losses
            return
        if self.teacher is None and self.jacobian_supervision:
            self.teacher = _frozen_copy(self.network)
        self.network.grow(channels)

    @property
    def code_size(self) -> int:
        """Channels of z that are open now; d is four times as many."""
        return self.network.open

    @property
    def is_student(self) -> bool:
        """Whether the code has grown."""
        return self.code_size > self.first_code_size

    @property
    def jacobian_supervision(self) -> bool:
        """Whether the teacher supervises the students' Jacobian."""
        return self.student_weights.code + self.student_weights.difference > 0

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weights of this stage's losses, by their names in logs."""
        weights = asdict(self.student_weights if self.is_student else self.teacher_weights)
        if self.stage == 0:  # §4.2.1: λ4 and λ5 are 0 at first
            weights |= {"cycle_attributes": 0.0, "cycle_nuisance": 0.0}
        return weights

    @property
    def unread(self) -> dict[str, str]:
        """Settings that have no part in what is computed, each with the reason."""
        forms = {"prediction_reduction": "prediction", "covariance_root": "covariance"}
        forms |= {"cycle_target": "cycle_attributes", "cycle_root": "cycle_nuisance"}
        teacher, student = asdict(self.teacher_weights), asdict(self.student_weights)
        without = {setting: loss for setting, loss in forms.items() if not teacher[loss] + student[loss]}
        return {
            setting: f"model.teacher_weights.{loss} and model.student_weights.{loss} are 0"
            for setting, loss in without.items()
        }

    # ------------------------------------------------------------------ a step

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """§4.2.1: one step of both networks, then one of the decoder alone, with the encoder frozen."""
        optimizers: Any = self.optimizers()
        encoder, decoder = optimizers
        images, labels = 2 * batch["image"] - 1, 2 * batch["attributes"] - 1
        terms = self.step_losses(images, labels)
        both = [encoder, decoder]
        descend(self, self.total(terms), both, self.gradient_clip, clip_together=[both])
        if self.loss_weights["cycle_attributes"] + self.loss_weights["cycle_nuisance"] > 0:
            cycles = self.cycle_losses(images)
            descend(self, self.total(cycles), [decoder], self.gradient_clip, counts=False)
            terms |= cycles
        self.log_dict({f"train/{name}": value.detach() for name, value in terms.items()})

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """The weighted sum of some losses."""
        weights = self.loss_weights
        return torch.stack([weights[name] * term for name, term in terms.items() if weights[name]]).sum()

    def step_losses(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """L_rec, L_pred and L_xcov of eq. 14, unweighted, and for a student L_jac (eq. 9).

        Args:
            images: x, ``[B, C, r, r]`` in [-1, 1].
            labels: ȳ, ``[B, k]``: -1 or 1, NaN where unknown.
        """
        y, z = self.network.encode(images)
        terms = {"prediction": losses.hinge(y, labels, self.prediction_reduction)}
        if self.teacher is None:
            decoded = self.network.decode(y, z)
        else:
            pairs = torch.randperm(len(images), device=images.device)  # j
            teacher_y, teacher_change = self.teacher_change(images, pairs)
            both = self.network.decode(torch.cat([y, y[pairs]]), torch.cat([z, z]))
            decoded, swapped = both.chunk(2)  # D_S(y_S, z_S), D_S(y_S^j, z_S)
            terms["code"] = losses.code_agreement(y, teacher_y, "mean")
            terms["difference"] = losses.difference_agreement(swapped - decoded, teacher_change, "mean")
        terms["reconstruction"] = losses.reconstruction(decoded, images, "mean")
        z_of_all, y_of_all = whole_batch(self, z.flatten(1)), whole_batch(self, y)
        terms["covariance"] = losses.cross_covariance(z_of_all, y_of_all, self.covariance_root)
        return terms

    @torch.no_grad()
    def teacher_change(self, images: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """y_T ``[B, k]``, and D_T(y_T^j, z_T) - D_T(y_T, z_T): the teacher decodes its own z in both."""
        assert self.teacher is not None
        y, z = self.teacher.encode(images)
        swapped, plain = self.teacher.decode(torch.cat([y[pairs], y]), torch.cat([z, z])).chunk(2)
        return y, swapped - plain

    def cycle_losses(self, images: Tensor) -> dict[str, Tensor]:
        """L_cyc1 and L_cyc2 (eqs. 12, 13), unweighted. The encoder gets no gradient, and its statistics don't move.

        The encoder computes the codes as the first step has left it. In the authors' code the codes and the graph are
        older than that step (``docs/fidelity.md``, "Two steps without a stale graph").

        Args:
            images: x, ``[B, C, r, r]`` in [-1, 1].
        """
        encoder, decoder = self.network.encoder, self.network.decoder
        with untracked_statistics(encoder):
            with torch.no_grad():
                y, z = encoder(images)
            y = y[torch.randperm(len(images), device=images.device)]  # y₂
            with untracked_statistics(decoder):  # the images are edits; running statistics are of reconstructions
                decoded = decoder(y, z)
            with frozen(encoder):
                y_again, z_again = encoder(decoded)
        target = y.sign() if self.cycle_target == "sign" else y
        z_of_all, z_again_of_all = (whole_batch(self, code.flatten(1)) for code in (z, z_again))
        return {
            "cycle_attributes": losses.hinge(y_again, target, "sum"),
            "cycle_nuisance": losses.cycle_nuisance(z_of_all, z_again_of_all, self.cycle_root),
        }

    def configure_optimizers(self) -> list[Optimizer]:
        parts = (self.network.encoder, self.network.decoder)
        return [self.make_optimizer(part.parameters()) for part in parts]

    # ------------------------------------------------------------------ validation

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        images, labels = batch["image"], batch["attributes"]
        known = ~labels.isnan()
        y, z = self.network.encode(2 * images - 1)
        decoded = self.network.decode(y, z)
        self.validation["mse"].update(((decoded + 1) / 2 - images).square().mean(), len(images))
        self.validation["accuracy"].update(((y > 0) == labels.bool())[known].float())
        if self.teacher is None:
            return
        pairs = torch.arange(len(images), device=images.device).roll(1)
        teacher_y, teacher_change = self.teacher_change(2 * images - 1, pairs)
        change = self.network.decode(y[pairs], z) - decoded
        self.validation["code"].update((y - teacher_y).square().mean(), len(images))
        self.validation["difference"].update((change - teacher_change).square().mean(), len(images))

    # ------------------------------------------------------------------ checkpoints

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Make room for the teacher in the checkpoint's state."""
        super().on_load_checkpoint(checkpoint)
        if any(name.startswith("teacher.") for name in checkpoint["state_dict"]):
            self.teacher = _frozen_copy(self.network).to(self.device)

    def train(self, mode: bool = True) -> ProgressiveAttributeAutoencoder:
        """Set the mode of all parts but the teacher, which stays in evaluation mode."""
        super().train(mode)
        if self.teacher is not None:
            self.teacher.eval()
        return self

    # ------------------------------------------------------------------ Editor, Coder, Staged

    def encode(self, images: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Images ``[B, C, r, r]`` to (y ``[B, k]``, 0 for absent and 1 for present or beyond; z ``[B, open, 2, 2]``).

        Args:
            images: in [0, 1].
            attributes: the known values of y, ``[B, k]``, NaN where y is to be predicted.
        """
        y, z = self.network.encode(2 * images - 1)
        values = (y + 1) / 2
        return values if attributes is None else torch.where(attributes.isnan(), values, attributes), z

    def decode(self, attributes: Tensor, nuisance: Tensor) -> Tensor:
        """(y ``[B, k]``, any values; z ``[B, open, 2, 2]``) to images in [0, 1]."""
        return (self.network.decode(2 * attributes - 1, nuisance) + 1) / 2

    def codes(self, images: Tensor) -> Tensor:
        """Images to (y, z) side by side, ``[B, k + d]``."""
        y, z = self.encode(images)
        return torch.cat([y, z.flatten(1)], dim=1)

    def decode_codes(self, codes: Tensor) -> Tensor:
        """(y, z) side by side ``[B, k + d]`` to images in [0, 1]."""
        k = self.network.attributes
        return self.decode(codes[:, :k], codes[:, k:].view(len(codes), -1, 2, 2))

    def open_parameters(self) -> int:
        """Parameters that have a part in what is computed."""
        return self.network.open_parameters()

    def at_stage(self, path: Path) -> ProgressiveAttributeAutoencoder:
        """This editor as it was at the end of a stage, frozen, in evaluation mode, on its device.

        Raises:
            ValueError: no such file, or a network of another shape.
        """
        network = copy.deepcopy(self.network).cpu()
        load_stage(network, path)
        before = ProgressiveAttributeAutoencoder(
            network, self.attribute_names, self.make_optimizer, self.teacher_weights, self.student_weights
        )
        return before.to(self.device).eval().requires_grad_(False)


def _frozen_copy(network: AttributeAutoencoder) -> AttributeAutoencoder:
    """A frozen copy in evaluation mode."""
    return copy.deepcopy(network).requires_grad_(False).eval()
