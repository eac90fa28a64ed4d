"""The losses of "Overcoming the Disentanglement vs Reconstruction Trade-off via Jacobian Supervision": tensors in,
scalar out.

All losses know two reductions of a squared norm ‖·‖² over a batch. ``sum`` is what the paper writes: summed over the
elements of a sample, averaged over the batch. ``mean`` is what the authors ran: averaged over all elements
(``docs/fidelity.md``, "‖·‖²").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Reduction = Literal["sum", "mean"]


def squared_norm(a: Tensor, b: Tensor, reduction: Reduction) -> Tensor:
    """‖a - b‖² of each sample ``[B, ...]``, averaged over the batch (``sum``) or over all elements (``mean``)."""
    return F.mse_loss(a, b) if reduction == "mean" else F.mse_loss(a, b, reduction="sum") / len(a)


def reconstruction(decoded: Tensor, images: Tensor, reduction: Reduction) -> Tensor:
    """L_rec = ‖x - x̂‖², eq. 8; both ``[B, ...]``."""
    return squared_norm(decoded, images, reduction)


def code_agreement(code: Tensor, teacher_code: Tensor, reduction: Reduction) -> Tensor:
    """‖y_S - y_T‖², the first term of eq. 9, which makes eq. 5 hold; both ``[B, k]``."""
    return squared_norm(code, teacher_code, reduction)


def difference_agreement(student: Tensor, teacher: Tensor, reduction: Reduction) -> Tensor:
    """‖(D_T(y_T^j) - D_T(y_T)) - (D_S(y_S^j, z_S) - D_S(y_S, z_S))‖², the second term of eq. 9. It makes eq. 6 hold.

    Args:
        student: D_S(y_S^j, z_S) - D_S(y_S, z_S), ``[B, ...]``.
        teacher: D_T(y_T^j) - D_T(y_T), same shape.
        reduction: of the norm.
    """
    return squared_norm(student, teacher, reduction)


def hinge(values: Tensor, targets: Tensor, over_attributes: Reduction) -> Tensor:
    """Eqs. 11 and 12: max(1 - y ȳ, 0) of known targets, averaged over the batch.

    Args:
        values: y, ``[B, k]``.
        targets: ȳ, -1 or 1, NaN where unknown, or (eq. 12) any values; same shape.
        over_attributes: ``mean``: averaged over the known ones (eq. 11); ``sum``: summed (eq. 12; the authors' code in
            both).
    """
    known = ~targets.isnan()
    terms = F.relu(1 - values * targets.nan_to_num()) * known
    return terms.sum() / (known.sum().clamp(min=1) if over_attributes == "mean" else len(values))


def cycle_nuisance(code: Tensor, again: Tensor, root: bool = False) -> Tensor:
    """L_cyc2 = ‖z - z*‖², eq. 13, averaged over the batch.

    Args:
        code: the decoded z, ``[B, ...]``.
        again: z*, which the encoder reads from the decoded image, same shape.
        root: the authors' code: the norm of the whole batch, not squared, over B.
    """
    return torch.linalg.vector_norm(code - again) / len(code) if root else squared_norm(code, again, "sum")


def cross_covariance(nuisance: Tensor, specified: Tensor, root: bool = False) -> Tensor:
    """L_xcov(y, z), eq. 10: the sum over i, j of the squared covariance of z_i and y_j over the batch.

    Args:
        nuisance: z, ``[B, d]``.
        specified: y, ``[B, k]``.
        root: its square root, as in the authors' code (``docs/fidelity.md``, "L_xcov").
    """
    centred_z, centred_y = nuisance - nuisance.mean(0), specified - specified.mean(0)
    with torch.autocast(nuisance.device.type, enabled=False):  # a product of matrices would be taken in bf16
        covariance = centred_z.T @ centred_y / len(nuisance)
    return torch.linalg.matrix_norm(covariance) if root else covariance.square().sum()


def directional(decode: Callable[[Tensor], Tensor], codes: Tensor, directions: Tensor) -> Tensor:
    """J(codes) · directions, one side of eq. 7, exactly, by one pass of forward-mode differentiation.

    Args:
        decode: a decoder that treats each sample of a batch by itself, ``[B, n]`` to ``[B, ...]``.
        codes: ``[B, n]``.
        directions: same shape.
    """
    tangent: Tensor = torch.func.jvp(decode, (codes,), (directions,))[1]
    return tangent
