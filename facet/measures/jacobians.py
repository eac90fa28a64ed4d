"""Jacobian fidelity: how well eq. 1 of JacSup holds, measured exactly by forward-mode differentiation."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
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
        codes: the student's codes, ``[N, n]``.
        teacher_codes: the teacher's codes of the same images, ``[N, m]``.
        units: k; the derivatives are taken along the first k units of both codes.
        directions: ``data``: from each image's y to that of another image, as in training (eq. 7); ``canonical``:
            along each unit.
        seed: of the pairs of images.

    Returns:
        The error and the number of directional derivatives.
    """
    pairs = torch.randperm(len(codes), generator=torch.Generator().manual_seed(seed))
    error = norm = torch.zeros((), dtype=torch.float64)
    for start in range(0, len(codes), BATCH):
        piece = slice(start, start + BATCH)
        if directions == "data":
            vectors = (teacher_codes[pairs[piece], :units] - teacher_codes[piece, :units])[None]
        else:
            vectors = torch.eye(units, dtype=codes.dtype)[:, None].expand(-1, len(codes[piece]), -1)
        theirs = _derivatives(teacher, teacher_codes[piece], vectors)
        ours = _derivatives(student, codes[piece], vectors)
        error = error + (ours - theirs).double().square().sum()
        norm = norm + theirs.double().square().sum()
    return Mean(float(error / norm), len(codes) * (1 if directions == "data" else units))


@torch.no_grad()
def _derivatives(decode: Decode, codes: Tensor, vectors: Tensor) -> Tensor:
    """J(code) (v, 0), ``[V, B, ...]``, for every code ``[B, n]`` and each of its vectors v ``[V, B, k]``."""
    rest = codes.shape[1] - vectors.shape[2]

    def along(vector: Tensor) -> Tensor:
        tangent: Tensor = torch.func.jvp(decode, (codes,), (F.pad(vector, (0, rest)),))[1]
        return tangent

    return torch.func.vmap(along)(vectors)
