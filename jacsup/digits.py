"""The progressive autoencoder of JacSup §3 as a LightningModule: first teacher, then student after student."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from jacsup import losses
from jacsup.checks import at_least_one, not_negative
from jacsup.networks import GrowingAutoencoder
from jacsup.stages import StagedModule, load_stage
from jacsup.stepping import descend
from jacsup.teacher import CHUNK, Statistics, Teacher, swap

MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]


class ProgressiveAutoencoder(StagedModule):
    """An autoencoder that becomes its own teacher each time its code grows. Works as a ``Coder``.

    A Lightning batch may carry several steps: it is cut into pieces of ``batch_size``, a step each.

    Args:
        network: the autoencoder, open at the first teacher's size.
        optimizer: makes the optimiser; every stage starts with a new one.
        batch_size: samples per step, over all processes together.
        code_weight: λ_y, eq. 9; 0 together with ``difference_weight`` trains without Jacobian supervision.
        difference_weight: λ_diff, eq. 9.
        covariance_weight: λ_xcov, of eq. 10.
        stage_factor: what λ_y and λ_diff are multiplied with at every stage after the first student's.
        reduction: of all norms, see :mod:`jacsup.losses`.
        covariance_root: eq. 10 under a square root, as in the authors' code.
        supervised: which units count as y: the ``code`` of the teacher, all of it, or the ``first`` teacher's units
            only.
        teacher: who supervises: the ``previous`` model, or the ``original`` first teacher.
        teacher_statistics: see :class:`jacsup.teacher.Teacher`.
        derivative: eq. 7 by finite ``difference``, as in eq. 9, or ``exact``, by forward-mode differentiation.
        inherit: whether a stage goes on with the weights of the one before; if not, every stage trains an autoencoder
            of its size from scratch, without a teacher: the other control.
        initial: a finished stage to start from: it is the first student's teacher here, and not trained any more. As in
            the run that it is of, ``network`` is given open at the first teacher's size.

    Raises:
        ValueError: a number outside its range, or an initial stage that doesn't fit.
    """

    def __init__(
        self,
        network: GrowingAutoencoder,
        optimizer: MakeOptimizer,
        batch_size: int = 128,
        code_weight: float = 0.1,
        difference_weight: float = 1.0,
        covariance_weight: float = 1e-3,
        stage_factor: float = 1.0,
        reduction: losses.Reduction = "sum",
        covariance_root: bool = False,
        supervised: Literal["code", "first"] = "first",
        teacher: Literal["previous", "original"] = "previous",
        teacher_statistics: Statistics = "running",
        derivative: Literal["difference", "exact"] = "difference",
        inherit: bool = True,
        initial: str | None = None,
    ) -> None:
        super().__init__(network.open, "mse", "code", "difference")
        at_least_one(batch_size=batch_size)
        not_negative(code_weight=code_weight, difference_weight=difference_weight)
        not_negative(covariance_weight=covariance_weight, stage_factor=stage_factor)
        self.network, self.make_optimizer, self.batch_size = network, optimizer, batch_size
        self.code_weight, self.difference_weight = code_weight, difference_weight
        self.covariance_weight, self.stage_factor = covariance_weight, stage_factor
        self.reduction: losses.Reduction = reduction
        self.covariance_root, self.supervised, self.from_whom = covariance_root, supervised, teacher
        self.teacher_statistics: Statistics = teacher_statistics
        self.derivative, self.inherit = derivative, inherit
        self.teacher: Teacher | None = None
        if initial is not None:
            self._start_from(initial)

    # ------------------------------------------------------------------ a stage

    def _start_from(self, initial: str) -> None:
        """Load a finished stage, whose growth comes first.

        Raises:
            ValueError: one that doesn't fit, or that no later stage would be made from.
        """
        load_stage(self.network, Path(initial))
        if not self.inherit:
            raise ValueError(f"model.initial={initial}: with model.inherit=false nothing is made from a stage before")
        if self.from_whom == "original" and self.code_size > self.first_code_size:
            raise ValueError(
                f"model.initial={initial} has {self.code_size} units, but model.teacher=original is the first teacher, "
                f"of {self.first_code_size}: start from that, or leave model.teacher=previous"
            )
        self.ended = True

    def grow(self, units: int = 1) -> None:
        """End a stage: the model becomes its own teacher, and opens units of its code (JacSup §3, last paragraph)."""
        self.stage, self.ended = self.stage + 1, False
        if not self.inherit:
            self.network.restart(self.network.open + units)
            return
        if self.teacher is None or self.from_whom == "previous":
            y = self.first_code_size if self.supervised == "first" else None
            self.teacher = Teacher(self.network, self.teacher_statistics, y).to(self.device)
        self.network.grow(units)

    @property
    def code_size(self) -> int:
        """Units open now, k + d."""
        return self.network.open

    @property
    def supervising(self) -> bool:
        """Whether the Jacobian is supervised in this stage."""
        return self.teacher is not None and self.code_weight + self.difference_weight > 0

    def look(self) -> None:
        """Let the teacher look at the training images, once per stage."""
        if self.teacher is not None and self.supervising:
            data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
            images, _ = data.tensors("train")
            self.teacher.look_at(some.to(self.device).float() / 255 for some in images.split(CHUNK))

    def on_train_start(self) -> None:
        self.look()

    @property
    def unread(self) -> dict[str, str]:
        """Settings that have no part in what is computed, and why."""
        of_students = ["stage_factor", "teacher_statistics", "derivative"]
        if not self.inherit:
            of_students += ["code_weight", "difference_weight", "covariance_weight", "covariance_root"]
            of_students += ["supervised", "teacher", "network.preserving"]
            return dict.fromkeys(of_students, "with model.inherit=false no stage has a teacher")
        without = self.code_weight + self.difference_weight == 0
        found = dict.fromkeys(of_students, "λ_y and λ_diff are 0") if without else {}
        return found if self.covariance_weight else {**found, "covariance_root": "model.covariance_weight is 0"}

    # ------------------------------------------------------------------ a step

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """As many steps as the batch has pieces."""
        optimizer: Any = self.optimizers()
        sums: dict[str, Tensor] = {}
        pieces = list(self.pieces(batch))
        for images, index in pieces:
            terms = self.losses(images, index)
            descend(self, self.total(terms), [optimizer])
            sums = {name: sums.get(name, 0) + value.detach() for name, value in terms.items()}
        self.log_dict({f"train/{name}": value / len(pieces) for name, value in sums.items()})

    def pieces(self, batch: dict[str, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """(images, index) of every step."""
        share = self.batch_size // self.trainer.world_size
        images, index = (torch.split(batch[name], share) for name in ("image", "index"))
        return zip(images, index, strict=True)

    def losses(self, images: Tensor, index: Tensor) -> dict[str, Tensor]:
        """Every loss of one batch, unweighted.

        Args:
            images: x, ``[B, C, H, W]`` in [0, 1].
            index: their positions in the training split, ``[B]``.
        """
        code = self.network.encode(images)  # (y_S, z_S)
        if self.teacher is None:
            return {"reconstruction": losses.reconstruction(self.network.decode(code), images, self.reduction)}
        terms: dict[str, Tensor] = {}
        y, z = code[:, : self.teacher.supervised], code[:, self.teacher.supervised :]
        if not self.supervising:
            decoded = self.network.decode(code)
        else:
            pairs = torch.randperm(len(images), device=images.device)  # j
            swapped = swap(code, pairs, self.teacher.supervised)  # (y_S^j, z_S)
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
        z_of_all, y_of_all = self.of_all_ranks(z), self.of_all_ranks(y)
        terms["covariance"] = losses.cross_covariance(z_of_all, y_of_all, self.covariance_root)
        return terms

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """L_rec + λ_y ‖·‖² + λ_diff ‖·‖² + λ_xcov L_xcov."""
        factor = self.stage_factor ** max(0, self.stage - 1)
        weights = {
            "reconstruction": 1.0,
            "code": self.code_weight * factor,
            "difference": self.difference_weight * factor,
            "covariance": self.covariance_weight,
        }
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
        k, pairs = self.teacher.supervised, torch.arange(len(images), device=images.device).roll(1)
        theirs = self.teacher.read(images)
        change = self.network.decode(swap(code, pairs, k)) - decoded
        decode = self.teacher.network.decode
        teacher_change = decode(swap(theirs, pairs, k)) - decode(theirs)
        self.validation["code"].update((code[:, :k] - theirs[:, :k]).square().mean(), len(images))
        self.validation["difference"].update((change - teacher_change).square().mean(), len(images))

    # ------------------------------------------------------------------ checkpoints

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Make room for the teacher that the state holds."""
        super().on_load_checkpoint(checkpoint)
        prefix, state = "teacher.network.", checkpoint["state_dict"]
        held = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        if held:
            network = Teacher(self.network).network
            network.load_state_dict(held)
            y = self.first_code_size if self.supervised == "first" else None
            self.teacher = Teacher(network, self.teacher_statistics, y).to(self.device)

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
