"""Muon: steps whose matrices are orthogonal (Jordan et al. 2024, "Muon: an optimizer for hidden layers").

A gradient of a layer is nearly of low rank: a few directions that are learned already outweigh all others. Muon takes
the momentum's nearest orthogonal matrix as its step, so that rare directions are learned as fast as frequent ones.

Here it takes convolutions alone. Linear layers, by which codes enter and leave, are Adam's: at Muon's pace AIF's
decoder, whose first layer is linear, would read y much more even without L_aux (docs/findings.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.adam import adam

from nets.checks import below_one, positive

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the polynomial aσ + bσ³ + cσ⁵ that brings singular values near 1: Jordan's."""
ROUNDS = (3, 2)
SMALLEST = 16
"""Rows and columns of the smallest kernel that is made orthogonal."""


class Muon(Optimizer):
    """Orthogonal steps for kernels of convolutions; Adam's for all other parameters.

    A kernel ``[o, i, h, w]`` is the matrix ``[o, i h w]``, a transposed one ``[i, o h w]``. Matrices are multiplied in
    bfloat16 if the step is taken under autocast to it, as in a training step of ``trainer.precision=bf16-mixed``.

    Args:
        params: parameters.
        lr: Adam's learning rate.
        betas: Adam's.
        eps: Adam's.
        fused: whether Adam's part is one operator.
        kernel_lr: step of a kernel: the singular values of its change, all alike.
        momentum: decay of the mean of a kernel's gradients, which Nesterov's form looks ahead in.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.99),
        eps: float = 1e-8,
        fused: bool = True,
        kernel_lr: float = 0.015,
        momentum: float = 0.9,
    ) -> None:
        positive(lr=lr, eps=eps, kernel_lr=kernel_lr)
        below_one(momentum=momentum, beta1=betas[0], beta2=betas[1])
        given = list(params)
        kernels = [parameter for parameter in given if _is_kernel(parameter)]
        others = [parameter for parameter in given if not _is_kernel(parameter)]
        groups: list[dict[str, Any]] = [
            {"params": kernels, "lr": kernel_lr, "momentum": momentum},
            {"params": others, "lr": lr, "betas": tuple(betas), "eps": eps, "fused": fused},
        ]
        super().__init__(groups, {})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Take one step; parameters without a gradient stay."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        kernels, others = self.param_groups
        for parameter in kernels["params"]:
            if parameter.grad is not None:
                self._orthogonal_step(parameter, kernels)
        self._adam_step(others)
        return loss

    def _orthogonal_step(self, parameter: Tensor, group: dict[str, Any]) -> None:
        state, momentum = self.state[parameter], group["momentum"]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        gradient, mean = parameter.grad, state["momentum"]
        assert gradient is not None
        mean.lerp_(gradient, 1 - momentum)
        kind = gradient.device.type
        under = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
        half = under and torch.get_autocast_dtype(kind) == torch.bfloat16
        ahead = gradient.lerp(mean, momentum).movedim(1, -1)  # as it lies in memory, in channels_last
        step = orthogonal(ahead.flatten(1), torch.bfloat16 if half else torch.float32)
        rows, columns = step.shape
        # Jordan's scale: a tall matrix gets a larger step, so that its output changes as much as a wide one's.
        scale = max(1.0, rows / columns) ** 0.5
        parameter.add_(step.reshape(ahead.shape).movedim(-1, 1), alpha=-group["lr"] * scale)

    def _adam_step(self, group: dict[str, Any]) -> None:
        some = [parameter for parameter in group["params"] if parameter.grad is not None]
        if not some:
            return
        for parameter in some:
            if not self.state[parameter]:
                self.state[parameter] = {
                    "step": torch.zeros((), device=parameter.device),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
        of = {name: [self.state[p][name] for p in some] for name in ("exp_avg", "exp_avg_sq", "step")}
        adam(
            some, [p.grad for p in some if p.grad is not None], of["exp_avg"], of["exp_avg_sq"], [], of["step"],
            fused=group["fused"], amsgrad=False, beta1=group["betas"][0], beta2=group["betas"][1], lr=group["lr"],
            weight_decay=0.0, eps=group["eps"], maximize=False,
        )  # fmt: skip


def orthogonal(matrix: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """The nearest orthogonal matrix, roughly: singular values between .65 and 1.25, ``[m, n]`` float32.

    Rounds of Newton's and Schulz's iteration are polynomials in X Xᵀ. So they are computed on this smaller matrix,
    three and then two at a time: in every round, an eigenvalue that bfloat16 has made negative grows twelvefold.

    Args:
        matrix: ``[m, n]``. Singular values below some thousandth of its norm stay smaller.
        dtype: in which matrices are multiplied.
    """
    tall = len(matrix) > matrix.shape[1]
    wide = matrix.T if tall else matrix
    wide = (wide / (wide.norm() + 1e-7)).to(dtype)
    a, b, c = COEFFICIENTS
    with torch.autocast(matrix.device.type, enabled=False):
        for rounds in ROUNDS:
            square = wide @ wide.T
            product: Tensor | None = None
            for left in reversed(range(rounds)):
                polynomial = torch.addmm(square, square, square, beta=b, alpha=c)
                polynomial.diagonal().add_(a)
                product = polynomial if product is None else polynomial @ product
                if left:
                    square = polynomial @ square @ polynomial
            assert product is not None
            wide = product @ wide
    found: Tensor = wide.float()
    return found.T if tall else found


def _is_kernel(parameter: Tensor) -> bool:
    return parameter.ndim > 2 and min(len(parameter), parameter[0].numel()) >= SMALLEST
