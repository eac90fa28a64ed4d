"""The supervised autoencoder of JacSup §4 as a LightningModule: a teacher in two stages, then student after student."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from jacsup import losses
from jacsup.checks import positive
from jacsup.face_networks import AttributeAutoencoder
from jacsup.modes import frozen, untracked_statistics
from jacsup.stages import StagedModule, load_stage
from jacsup.stepping import descend
from jacsup.weights import Weights

MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]


class SupervisedAutoencoder(StagedModule):
    """An autoencoder with k named attributes in its code, that becomes its own teacher. An ``Editor`` and a ``Coder``.

    Stage 0 trains a teacher without the cycle losses, stage 1 with them; each growth opens a student. All students are
    supervised by that teacher, and start from the weights of the stage before.

    Args:
        network: the autoencoder, open at the teacher's size.
        attribute_names: the k attributes, in the order of the batch's columns.
        optimizer: makes the optimisers, one of the encoder and one of the decoder; every stage starts with new ones.
        teacher_weights: eq. 14.
        student_weights: of students: equal to the teacher's they go on without Jacobian supervision.
        prediction: eq. 11 averaged over the attributes, or summed, as in the authors' code.
        cycle_target: eq. 12 against the ``value`` of y, or its ``sign``, as in the authors' code.
        cycle_root: see :func:`jacsup.losses.cycle_nuisance`.
        covariance_root: eq. 10 under a square root, as in the authors' code.
        gradient_clip: largest norm of the gradient of all that a step updates; None does not clip.

    Raises:
        ValueError: a network of another number of attributes, or weights of which none counts in the first step
            or that have no part in a teacher's losses.
    """

    may_stay = True  # the teacher's second stage

    def __init__(
        self,
        network: AttributeAutoencoder,
        attribute_names: Sequence[str],
        optimizer: MakeOptimizer,
        teacher_weights: Weights,
        student_weights: Weights,
        prediction: losses.Reduction = "mean",
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
        self.prediction: losses.Reduction = prediction
        self.cycle_target, self.cycle_root, self.covariance_root = cycle_target, cycle_root, covariance_root
        self.gradient_clip = gradient_clip
        self.teacher: AttributeAutoencoder | None = None

    # ------------------------------------------------------------------ stages

    def check_stages(self, sizes: Sequence[int]) -> None:
        """Refuse a schedule without the stage in which λ4 and λ5 of the teacher count.

        Raises:
            ValueError: it is missing.
        """
        weights = self.teacher_weights
        if weights.cycle_attributes + weights.cycle_nuisance > 0 and sizes[:2] != [sizes[0]] * 2:
            raise ValueError(
                f"callbacks.growth.sizes={list(sizes)} has no second stage of the teacher, in which its cycle losses "
                f"count: say {[sizes[0], *sizes]}, or model.teacher_weights.cycle_attributes=0 and .cycle_nuisance=0"
            )

    def grow(self, channels: int) -> None:
        """End a stage. With channels to open, the teacher is kept as it is, and a student begins (JacSup §4.2.2)."""
        self.stage += 1
        if channels == 0:  # the teacher goes on, with the cycle losses
            return
        if self.teacher is None and self.supervised_by_jacobian:
            self.teacher = _still(self.network)
        self.network.grow(channels)

    def look(self) -> None:
        """Nothing is computed in advance: a swapped code is new every time."""

    @property
    def code_size(self) -> int:
        """Channels of z that are open now; d is four times as many."""
        return self.network.open

    @property
    def is_student(self) -> bool:
        """Whether the code has grown."""
        return self.code_size > self.first_code_size

    @property
    def supervised_by_jacobian(self) -> bool:
        """Whether students are."""
        return self.student_weights.code + self.student_weights.difference > 0

    @property
    def weights(self) -> dict[str, float]:
        """Of this stage's losses."""
        weights = asdict(self.student_weights if self.is_student else self.teacher_weights)
        if self.stage == 0:  # §4.2.1: λ4 and λ5 are 0 at first
            weights |= {"cycle_attributes": 0.0, "cycle_nuisance": 0.0}
        return weights

    @property
    def unread(self) -> dict[str, str]:
        """Settings that have no part in what is computed, and why."""
        forms = {"prediction": "prediction", "covariance_root": "covariance"}
        forms |= {"cycle_target": "cycle_attributes", "cycle_root": "cycle_nuisance"}
        teacher, student = asdict(self.teacher_weights), asdict(self.student_weights)
        without = {setting: loss for setting, loss in forms.items() if not teacher[loss] + student[loss]}
        return {
            setting: f"model.teacher_weights.{loss} and model.student_weights.{loss} are 0"
            for setting, loss in without.items()
        }

    # ------------------------------------------------------------------ a step

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """§4.2.1: a step of both networks, then, with the encoder frozen, one of the decoder alone."""
        optimizers: Any = self.optimizers()
        encoder, decoder = optimizers
        images, labels = 2 * batch["image"] - 1, 2 * batch["attributes"] - 1
        terms = self.losses(images, labels)
        descend(self, self.total(terms), [encoder, decoder], self.gradient_clip)
        if self.weights["cycle_attributes"] + self.weights["cycle_nuisance"] > 0:
            cycles = self.cycle_losses(images)
            descend(self, self.total(cycles), [decoder], self.gradient_clip, counts=False)
            terms |= cycles
        self.log_dict({f"train/{name}": value.detach() for name, value in terms.items()})

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """The weighted sum of some losses."""
        weights = self.weights
        return torch.stack([weights[name] * term for name, term in terms.items() if weights[name]]).sum()

    def losses(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """L_rec, L_pred and L_xcov of eq. 14, unweighted, and for a student L_jac (eq. 9).

        Args:
            images: x, ``[B, C, r, r]`` in [-1, 1].
            labels: ȳ, ``[B, k]``: -1 or 1, NaN where unknown.
        """
        y, z = self.network.encode(images)
        terms = {"prediction": losses.hinge(y, labels, self.prediction)}
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
        z_of_all, y_of_all = self.of_all_ranks(z.flatten(1)), self.of_all_ranks(y)
        terms["covariance"] = losses.cross_covariance(z_of_all, y_of_all, self.covariance_root)
        return terms

    @torch.no_grad()
    def teacher_change(self, images: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """y_T ``[B, k]``, and D_T(y_T^j, z_T) - D_T(y_T, z_T): beside any y the teacher decodes its own z."""
        assert self.teacher is not None
        y, z = self.teacher.encode(images)
        swapped, plain = self.teacher.decode(torch.cat([y[pairs], y]), torch.cat([z, z])).chunk(2)
        return y, swapped - plain

    def cycle_losses(self, images: Tensor) -> dict[str, Tensor]:
        """L_cyc1 and L_cyc2 (eqs. 12, 13), unweighted: no gradient reaches the encoder, nor do its statistics move.

        The codes are read by the encoder as the first step left it; in the authors' code they, and the graph, are older
        than that step (``docs/fidelity.md``, "Two steps without a stale graph").

        Args:
            images: x, ``[B, C, r, r]`` in [-1, 1].
        """
        encoder, decoder = self.network.encoder, self.network.decoder
        with untracked_statistics(encoder):
            with torch.no_grad():
                y, z = encoder(images)
            y = y[torch.randperm(len(images), device=images.device)]  # y₂
            with untracked_statistics(decoder):  # as in edits: the running ones are of reconstructions
                made = decoder(y, z)
            with frozen(encoder):
                y_again, z_again = encoder(made)
        target = y.sign() if self.cycle_target == "sign" else y
        z_of_all, z_again_of_all = (self.of_all_ranks(code.flatten(1)) for code in (z, z_again))
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
        """Make room for the teacher that the state holds."""
        super().on_load_checkpoint(checkpoint)
        if any(name.startswith("teacher.") for name in checkpoint["state_dict"]):
            self.teacher = _still(self.network).to(self.device)

    def train(self, mode: bool = True) -> SupervisedAutoencoder:
        """The teacher stays in evaluation mode."""
        super().train(mode)
        if self.teacher is not None:
            self.teacher.eval()
        return self

    # ------------------------------------------------------------------ Editor, Coder, Staged

    def encode(self, images: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Images ``[B, C, r, r]`` to (y ``[B, k]``, 0 for absent and 1 for present or beyond; z ``[B, open, 2, 2]``).

        Args:
            images: in [0, 1].
            attributes: what is known of y, ``[B, k]``, NaN where it is to be predicted.
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

    def at_stage(self, path: Path) -> SupervisedAutoencoder:
        """This editor as it was at the end of a stage, frozen, in evaluation mode, on its device.

        Raises:
            ValueError: no such file, or a network of another shape.
        """
        network = copy.deepcopy(self.network).cpu()
        load_stage(network, path)
        before = SupervisedAutoencoder(
            network, self.attribute_names, self.make_optimizer, self.teacher_weights, self.student_weights
        )
        return before.to(self.device).eval().requires_grad_(False)


def _still(network: AttributeAutoencoder) -> AttributeAutoencoder:
    """A frozen copy in evaluation mode."""
    return copy.deepcopy(network).requires_grad_(False).eval()
