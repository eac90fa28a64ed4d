"""Swaps ok: do the specified units carry the class? (JacSup's authors' code; ``docs/fidelity.md``, "Evaluation")."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from facet.measures.intervals import Rate, wilson
from facet.protocols import Classifier, Coder

BATCH = 500
NEIGHBOURS = 15


class Swaps(NamedTuple):
    """Share of the swaps that transfer the class, and of those that could (:func:`ceiling`), of the same pairs."""

    ok: Rate
    ceiling: Rate


@torch.inference_mode()
def swaps_ok(coder: Coder, images: Tensor, judge: Classifier, units: int = 2, seed: int = 0) -> Swaps:
    """Share of swaps that transfer the class.

    A random permutation of the split pairs every image (the receiver) with another (the donor). If the judge reads
    their reconstructions as different classes, the first units of the receiver's code, which were discovered first,
    are replaced by the donor's. The swap is ok if the judge reads its decoding as the donor's class.

    Args:
        coder: in evaluation mode.
        images: ``[N, C, H, W]`` uint8.
        judge: of classes.
        units: number of swapped units, 2 in the paper.
        seed: of the permutation.

    Returns:
        The share and its ceiling, each with its 95% Wilson interval and n, the number of pairs of different classes.
    """
    codes = torch.cat([coder.codes(batch.float() / 255) for batch in torch.split(images, BATCH)])
    classes = _classes(coder, judge, codes)
    donors = torch.randperm(len(codes), generator=torch.Generator().manual_seed(seed))
    receivers = (classes != classes[donors]).nonzero()[:, 0]
    donors = donors[receivers]
    swapped = torch.cat([codes[donors, :units], codes[receivers, units:]], dim=1)
    right = _classes(coder, judge, swapped) == classes[donors]
    possible = ceiling(codes[:, :units], classes, receivers, donors)
    return Swaps(wilson(int(right.sum()), len(right)), possible)


def ceiling(y: Tensor, classes: Tensor, receivers: Tensor, donors: Tensor) -> Rate:
    """How often the donor's class can be predicted from y, the swapped units.

    The prediction is the majority class of the nearest neighbours of y among the other images, with units on one
    scale. Images of the receiver's class are left out, because the donor's class is known to differ. The estimate is
    a lower bound; it is a few points too low where classes overlap.

    Args:
        y: the swapped units, ``[N, k]``.
        classes: of all images, ``[N]``.
        receivers: position in ``y`` of each pair's receiver, ``[P]``.
        donors: position in ``y`` of each pair's donor, ``[P]``, of another class.

    Returns:
        The share of pairs, with its 95% Wilson interval and P.
    """
    y = (y - y.mean(0)) / y.std(0).clamp(min=1e-12)
    right, class_count = 0, int(classes.max()) + 1
    for receiver, donor in zip(torch.split(receivers, BATCH), torch.split(donors, BATCH), strict=True):
        distance = torch.cdist(y[donor], y, compute_mode="donot_use_mm_for_euclid_dist")
        distance[classes == classes[receiver][:, None]] = math.inf
        distance[torch.arange(len(donor)), donor] = math.inf
        nearest = distance.topk(min(NEIGHBOURS, len(y)), largest=False)
        votes = (F.one_hot(classes[nearest.indices], class_count) * nearest.values.isfinite()[..., None]).sum(1)
        most = votes.max(1)
        right += int(((most.indices == classes[donor]) & (most.values > 0)).sum())
    return wilson(right, len(donors))


def _classes(coder: Coder, judge: Classifier, codes: Tensor) -> Tensor:
    if not len(codes):
        return torch.empty(0, dtype=torch.long)
    return torch.cat([judge.classify(coder.decode_codes(batch)) for batch in torch.split(codes, BATCH)])
