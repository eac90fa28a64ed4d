"""Jacobian fidelity: how well eq. 1 of JacSup holds, measured exactly by forward-mode differentiation."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from facet.measures.intervals import Mean

BATCH = 500
Decode = Callable[[Tensor], Tensor]


def jacobian_error(
    student: Decode, teacher: Decode, codes: Tensor, teacher_codes: Tensor, units: int, directions: str, seed: int = 0
) -> Mean:
    """‖J_S v - J_T v‖² / ‖J_T v‖², summed over images and directions before dividing: 0 where eq. 1 holds.

    A decoder that ignores the specified units has 1.

    Args:
        student: decodes ``[B, n]``.
        teacher: decodes ``[B, m]``.
        codes: the student's, ``[N, n]``.
        teacher_codes: the teacher's of the same images, ``[N, m]``.
        units: k, of both codes the first: along these the derivative is taken.
        directions: ``data``: from each image's y to another one's, as in training (eq. 7); ``canonical``: along each
            unit.
        seed: of the pairing.

    Returns:
        The error and the number of directional derivatives.
    """
    if directions == "data":
        donors = torch.randperm(len(codes), generator=torch.Generator().manual_seed(seed))
        vectors = [teacher_codes[donors, :units] - teacher_codes[:, :units]]
    else:
        vectors = [row.expand(len(codes), units) for row in torch.eye(units, dtype=codes.dtype)]
    wrong = whole = torch.zeros((), dtype=torch.float64)
    for vector in vectors:
        for start in range(0, len(codes), BATCH):
            piece = slice(start, start + BATCH)
            theirs = _derivative(teacher, teacher_codes[piece], vector[piece])
            ours = _derivative(student, codes[piece], vector[piece])
            wrong = wrong + (ours - theirs).double().square().sum()
            whole = whole + theirs.double().square().sum()
    return Mean(float(wrong / whole), len(codes) * len(vectors))


@torch.no_grad()
def _derivative(decode: Decode, codes: Tensor, vectors: Tensor) -> Tensor:
    """J(code) (v, 0) for every code."""
    rest = torch.zeros(len(codes), codes.shape[1] - vectors.shape[1], dtype=codes.dtype)
    tangent: Tensor = torch.func.jvp(decode, (codes,), (torch.cat([vectors, rest], dim=1),))[1]
    return tangent
