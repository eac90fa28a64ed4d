"""The progressive autoencoder of JacSup §3 as a LightningModule: first teacher, then student after student."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer

from jacsup import losses
from jacsup.digit_networks import GrowingAutoencoder
from jacsup.stages import StagedModule, load_stage
from jacsup.teacher import CHUNK, Statistics, Teacher, swap
from jacsup.weights import DigitWeights
from nets.checks import at_least_one
from nets.stepping import MakeOptimizer, descend, whole_batch


class ProgressiveAutoencoder(StagedModule):
    """An autoencoder that becomes its own teacher each time its code grows. Works as a ``Coder``.

    A Lightning batch may carry several steps: it is cut into pieces of ``batch_size``, and each piece is a step.

    Args:
        network: the autoencoder, open at the first teacher's size.
        optimizer: makes the optimiser; every stage starts with a new one.
        batch_size: samples per step, over all processes together.
        weights: of the losses; the paper's if None.
        reduction: of all norms, see :mod:`jacsup.losses`.
        covariance_root: eq. 10 under a square root, as in the authors' code.
        swapped_units: the units that count as y, which a swap hands over: the whole ``code`` of the teacher, or only
            the ``first`` teacher's units.
        supervisor: the model that supervises a student: the ``previous`` one, or the ``first_teacher``.
        teacher_statistics: see :class:`jacsup.teacher.Teacher`.
        derivative: eq. 7 by finite ``difference``, as in eq. 9, or ``exact``, by forward-mode differentiation.
        inherit: whether a stage starts from the weights of the one before. If not, every stage trains a new autoencoder
            of its size, without a teacher.
        initial: a file with a finished stage to start from. It is the first student's teacher and is not trained again.
            ``network`` is open at the first teacher's size all the same, as in the run that the stage comes from.

    Raises:
        ValueError: a number outside its range, or an initial stage that doesn't fit.
    """

    def __init__(
        self,
        network: GrowingAutoencoder,
        optimizer: MakeOptimizer,
        batch_size: int = 128,
        weights: DigitWeights | None = None,
        reduction: losses.Reduction = "sum",
        covariance_root: bool = False,
        swapped_units: Literal["code", "first"] = "first",
        supervisor: Literal["previous", "first_teacher"] = "previous",
        teacher_statistics: Statistics = "running",
        derivative: Literal["difference", "exact"] = "difference",
        inherit: bool = True,
        initial: str | None = None,
    ) -> None:
        super().__init__(network.open, "mse", "code", "difference")
        at_least_one(batch_size=batch_size)
        self.network, self.make_optimizer, self.batch_size = network, optimizer, batch_size
        self.weights = weights or DigitWeights()
        self.reduction: losses.Reduction = reduction
        self.covariance_root, self.swapped_units, self.supervisor = covariance_root, swapped_units, supervisor
        self.teacher_statistics: Statistics = teacher_statistics
        self.derivative, self.inherit = derivative, inherit
        self.teacher: Teacher | None = None
        if initial is not None:
            self._start_from(initial)

    # ------------------------------------------------------------------ a stage

    def _start_from(self, initial: str) -> None:
        """Load a finished stage, after which the network grows first.

        Raises:
            ValueError: a stage that doesn't fit, or from which no later stage would be made.
        """
        load_stage(self.network, Path(initial))
        if not self.inherit:
            raise ValueError(f"model.initial={initial}: with model.inherit=false nothing is made from a stage before")
        if self.supervisor == "first_teacher" and self.code_size > self.first_code_size:
            raise ValueError(
                f"model.initial={initial} has {self.code_size} units, but model.supervisor=first_teacher needs the "
                f"first teacher, of {self.first_code_size}: start from that, or leave model.supervisor=previous"
            )
        self.ended = True

    def grow(self, units: int = 1) -> None:
        """End a stage: the model becomes its own teacher and opens units of its code (JacSup §3, last paragraph)."""
        self.stage, self.ended = self.stage + 1, False
        if not self.inherit:
            self.network.restart(self.network.open + units)
            return
        if self.teacher is None or self.supervisor == "previous":
            self.teacher = self._teacher(self.network)
        self.network.grow(units)

    def _teacher(self, network: GrowingAutoencoder) -> Teacher:
        units = self.first_code_size if self.swapped_units == "first" else None
        return Teacher(network, self.teacher_statistics, units).to(self.device)

    @property
    def code_size(self) -> int:
        """Units that are open now, k + d."""
        return self.network.open

    @property
    def jacobian_supervision(self) -> bool:
        """Whether a teacher supervises the Jacobian in this stage."""
        return self.teacher is not None and self.weights.code + self.weights.difference > 0

    def cache_teacher_outputs(self) -> None:
        """Let the teacher compute its outputs for all training images, once per stage."""
        if self.teacher is not None and self.jacobian_supervision:
            data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
            images, _ = data.tensors("train")
            self.teacher.cache_outputs(some.to(self.device).float() / 255 for some in images.split(CHUNK))

    def on_train_start(self) -> None:
        self.cache_teacher_outputs()

    @property
    def unread(self) -> dict[str, str]:
        """Settings that have no part in what is computed, each with the reason."""
        of_teachers = ["weights.stage_factor", "teacher_statistics", "derivative"]
        if not self.inherit:
            of_teachers += ["weights", "covariance_root", "swapped_units", "supervisor", "network.preserving"]
            return dict.fromkeys(of_teachers, "with model.inherit=false no stage has a teacher")
        without = self.weights.code + self.weights.difference == 0
        found = dict.fromkeys(of_teachers, "model.weights.code and model.weights.difference are 0") if without else {}
        return found if self.weights.covariance else {**found, "covariance_root": "model.weights.covariance is 0"}

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weights of this stage's losses, by their names in logs."""
        factor = self.weights.stage_factor ** max(0, self.stage - 1)
        return {
            "reconstruction": 1.0,
            "code": self.weights.code * factor,
            "difference": self.weights.difference * factor,
            "covariance": self.weights.covariance,
        }

    # ------------------------------------------------------------------ a step

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """One step for each piece of the batch."""
        optimizer: Any = self.optimizers()
        sums: dict[str, Tensor] = {}
        pieces = list(self.pieces(batch))
        for images, index in pieces:
            terms = self.step_losses(images, index)
            descend(self, self.total(terms), [optimizer])
            sums = {name: sums.get(name, 0) + value.detach() for name, value in terms.items()}
        self.log_dict({f"train/{name}": value / len(pieces) for name, value in sums.items()})

    def pieces(self, batch: dict[str, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """(images, index) of each step."""
        share = self.batch_size // self.trainer.world_size
        images, index = (torch.split(batch[name], share) for name in ("image", "index"))
        return zip(images, index, strict=True)

    def step_losses(self, images: Tensor, index: Tensor) -> dict[str, Tensor]:
        """Every loss of one batch, unweighted.

        Args:
            images: x, ``[B, C, H, W]`` in [0, 1].
            index: positions of the images in the training split, ``[B]``.
        """
        code = self.network.encode(images)  # (y_S, z_S)
        if self.teacher is None:
            return {"reconstruction": losses.reconstruction(self.network.decode(code), images, self.reduction)}
        terms: dict[str, Tensor] = {}
        y, z = code[:, : self.teacher.swapped_units], code[:, self.teacher.swapped_units :]
        if not self.jacobian_supervision:
            decoded = self.network.decode(code)
        else:
            pairs = torch.randperm(len(images), device=images.device)  # j
            swapped = swap(code, pairs, self.teacher.swapped_units)  # (y_S^j, z_S)
            if self.derivative == "difference":
                teacher_y, teacher_change = self.teacher.targets(index, pairs)
                decoded, decoded_swapped = self.network.decode(torch.cat([code, swapped])).chunk(2)
                change = decoded_swapped - decoded
            else:
                teacher_y, teacher_change = self.teacher.derivative(index, pairs)
                both: Any = torch.func.jvp(self.network.decode, (code,), (swapped - code,))
                decoded, change = both
            terms["code"] = losses.code_agreement(y, teacher_y, self.reduction)
            terms["difference"] = losses.difference_agreement(change, teacher_change, self.reduction)
        terms["reconstruction"] = losses.reconstruction(decoded, images, self.reduction)
        z_of_all, y_of_all = whole_batch(self, z), whole_batch(self, y)
        terms["covariance"] = losses.cross_covariance(z_of_all, y_of_all, self.covariance_root)
        return terms

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """L_rec + λ_y ‖·‖² + λ_diff ‖·‖² + λ_xcov L_xcov."""
        weights = self.loss_weights
        return sum((weights[name] * value for name, value in terms.items()), torch.zeros((), device=self.device))

    def configure_optimizers(self) -> Optimizer:
        return self.make_optimizer(self.network.parameters())

    # ------------------------------------------------------------------ validation

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        images = batch["image"]
        code = self.network.encode(images)
        decoded = self.network.decode(code)
        self.validation["mse"].update((decoded.clamp(0, 1) - images).square().mean(), len(images))
        if self.teacher is None:
            return
        k, pairs = self.teacher.swapped_units, torch.arange(len(images), device=images.device).roll(1)
        theirs = self.teacher.read(images)
        change = self.network.decode(swap(code, pairs, k)) - decoded
        decode = self.teacher.network.decode
        teacher_change = decode(swap(theirs, pairs, k)) - decode(theirs)
        self.validation["code"].update((code[:, :k] - theirs[:, :k]).square().mean(), len(images))
        self.validation["difference"].update((change - teacher_change).square().mean(), len(images))

    # ------------------------------------------------------------------ checkpoints

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Make room for the teacher in the checkpoint's state."""
        super().on_load_checkpoint(checkpoint)
        prefix, state = "teacher.network.", checkpoint["state_dict"]
        held = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        if held:
            network = Teacher(self.network).network
            network.load_state_dict(held)
            self.teacher = self._teacher(network)

    # ------------------------------------------------------------------ Coder

    def codes(self, images: Tensor) -> Tensor:
        """Images ``[B, C, H, W]`` in [0, 1] to codes ``[B, code_size]``."""
        return self.network.codes(images)

    def decode_codes(self, codes: Tensor) -> Tensor:
        """Codes ``[B, code_size]`` to images in [0, 1]."""
        return self.network.decode_codes(codes)

    def at_stage(self, path: Path) -> GrowingAutoencoder:
        """The network at the end of a stage, frozen, in evaluation mode, on the CPU.

        Raises:
            ValueError: no such file, or a network of another shape.
        """
        network = copy.deepcopy(self.network).cpu()
        load_stage(network, path)
        return network.eval().requires_grad_(False)
