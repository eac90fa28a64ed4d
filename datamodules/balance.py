"""Balanced training: the two classes of an attribute, and the rates of attributes in batches that balance one."""

from __future__ import annotations

import torch
from torch import Tensor


def classes(labels: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """The positions of the images without an attribute, and of those with it; in neither where it is unknown.

    Args:
        labels: of the training split, ``[N]`` in {0, 1}, NaN = unknown.
        name: the attribute's name, for the message.

    Raises:
        ValueError: no image is known to have the attribute, or none to lack it.
    """
    absent, present = ((labels == value).nonzero().flatten() for value in (0, 1))
    for positions, which in ((present, "with"), (absent, "without")):
        if len(positions) == 0:
            raise ValueError(f"data.balance={name}: no image of the training split is labelled as {which} it")
    return absent, present


def batch_rates(labels: Tensor, balanced: tuple[Tensor, ...] | None = None) -> Tensor:
    """The share of images with each attribute among those whose label is known, in training batches, ``[k]`` in [0, 1].

    NaN where no label is known.

    Args:
        labels: of the training split, ``[N, k]`` in {0, 1}, NaN = unknown.
        balanced: the positions of each class, of which batches hold equally many; None: batches are as the split is.
    """
    parts = [labels] if balanced is None else [labels[positions] for positions in balanced]
    known = torch.stack([(~part.isnan()).double().mean(0) for part in parts]).sum(0)
    present = torch.stack([(part == 1).double().mean(0) for part in parts]).sum(0)
    return (present / known).float()
