"""Swaps ok (JacSup's authors' code; ``docs/fidelity.md``, MNIST 9): do the specified units carry the class?"""

from __future__ import annotations

import torch
from torch import Tensor

from facet.measures.intervals import Rate, wilson
from facet.protocols import Classifier, Coder

BATCH = 500


@torch.inference_mode()
def swaps_ok(coder: Coder, images: Tensor, judge: Classifier, units: int = 2, seed: int = 0) -> Rate:
    """Share of swaps that hand over the class.

    Every image is paired with another one by a random permutation of the split. Where the judge reads the two
    reconstructions as different classes, the first units of the code, those that were discovered first, are taken from
    the donor: ok is a swap that the judge then reads as the donor's class.

    Args:
        coder: in evaluation mode.
        images: ``[N, C, H, W]`` uint8.
        judge: of classes.
        units: swapped, 2 in the paper.
        seed: of the permutation.

    Returns:
        The share, its 95% Wilson interval and n, the number of pairs of different classes.
    """
    codes = torch.cat([coder.codes(some.float() / 255) for some in torch.split(images, BATCH)])
    classes = _classes(coder, judge, codes)
    donors = torch.randperm(len(codes), generator=torch.Generator().manual_seed(seed))
    different = classes != classes[donors]
    swapped = torch.cat([codes[donors, :units], codes[:, units:]], dim=1)[different]
    right = _classes(coder, judge, swapped) == classes[donors][different]
    return wilson(int(right.sum()), len(right))


def _classes(coder: Coder, judge: Classifier, codes: Tensor) -> Tensor:
    if not len(codes):
        return torch.empty(0, dtype=torch.long)
    return torch.cat([judge.classify(coder.decode_codes(some)) for some in torch.split(codes, BATCH)])
