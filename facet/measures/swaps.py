"""Swaps ok (JacSup's authors' code; ``docs/fidelity.md``, "Evaluation"): do the specified units carry the class?"""

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
    """Swaps that hand over the class, and how many could (:func:`ceiling`); both of the same pairs."""

    ok: Rate
    ceiling: Rate


@torch.inference_mode()
def swaps_ok(coder: Coder, images: Tensor, judge: Classifier, units: int = 2, seed: int = 0) -> Swaps:
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
        The share, and its ceiling; each with its 95% Wilson interval and n, the number of pairs of different classes.
    """
    codes = torch.cat([coder.codes(some.float() / 255) for some in torch.split(images, BATCH)])
    classes = _classes(coder, judge, codes)
    donors = torch.randperm(len(codes), generator=torch.Generator().manual_seed(seed))
    receivers = (classes != classes[donors]).nonzero()[:, 0]
    donors = donors[receivers]
    swapped = torch.cat([codes[donors, :units], codes[receivers, units:]], dim=1)
    right = _classes(coder, judge, swapped) == classes[donors]
    possible = ceiling(codes[:, :units], classes, receivers, donors)
    return Swaps(wilson(int(right.sum()), len(right)), possible)


def ceiling(y: Tensor, classes: Tensor, receivers: Tensor, donors: Tensor) -> Rate:
    """How often a donor's class can be told from y, all that a swap hands over.

    It is read off the nearest of the other images, units on one scale. That the class is not the receiver's is known:
    those images are left out. An estimate from below, by a few points where classes meet.

    Args:
        y: the units that are swapped, ``[N, k]``.
        classes: of all images, ``[N]``.
        receivers: of every pair, ``[P]``, positions in ``y``.
        donors: the same; of another class than their receiver.

    Returns:
        The share of pairs, its 95% Wilson interval and P.
    """
    y = (y - y.mean(0)) / y.std(0).clamp(min=1e-12)
    right, many = 0, int(classes.max()) + 1
    for receiver, donor in zip(torch.split(receivers, BATCH), torch.split(donors, BATCH), strict=True):
        distance = torch.cdist(y[donor], y, compute_mode="donot_use_mm_for_euclid_dist")
        distance[classes == classes[receiver][:, None]] = math.inf
        distance[torch.arange(len(donor)), donor] = math.inf
        nearest = distance.topk(min(NEIGHBOURS, len(y)), largest=False)
        votes = (F.one_hot(classes[nearest.indices], many) * nearest.values.isfinite()[..., None]).sum(1)
        most = votes.max(1)
        right += int(((most.indices == classes[donor]) & (most.values > 0)).sum())
    return wilson(right, len(donors))


def _classes(coder: Coder, judge: Classifier, codes: Tensor) -> Tensor:
    if not len(codes):
        return torch.empty(0, dtype=torch.long)
    return torch.cat([judge.classify(coder.decode_codes(some)) for some in torch.split(codes, BATCH)])
