"""What a training is told of attributes that few of its images have, or few lack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from omegaconf import DictConfig

if TYPE_CHECKING:  # it needs torch
    from facet.protocols import Data

RARE, FEW = 0.05, 200
"""A class of an attribute is rare below this share of the known labels, and small below this number of images."""


def rare_classes(config: DictConfig, data: Data, names: Sequence[str]) -> str | None:
    """A line on the attributes of which a class is rare or small in the training split; None if there is none.

    An attribute whose known labels are all the same isn't among them. One that batches balance is among them only if a
    class is small.

    Args:
        config: the run's.
        data: its data set; the stores exist.
        names: the attributes that are trained on.
    """
    balance, found = config.data.get("balance"), dict[str, tuple[float, str]]()
    for name, labels in zip(names, data.labels_of("train", names).T if names else (), strict=True):
        known, present = int((~labels.isnan()).sum()), int((labels == 1).sum())
        count, which = min((present, "have"), (known - present, "lack"))
        rare = count < RARE * known and name != balance
        if count and (rare or count < FEW):
            found[name] = count / known, f"{name} {present / known:.1%} ({count:,} of {known:,} images {which} it)"
    if not found:
        return None
    rarest, (share, _) = min(found.items(), key=lambda item: item[1])
    can_balance = "balance" in config.data and not balance and share < RARE
    advice = f"data.balance={rarest} or more such images" if can_balance else "more such images"
    return f"few images to learn from: {', '.join(line for _, line in found.values())}: {advice} may help"
