"""How confused is the auxiliary network A? Its loss is compared with that of a guess by the frequency of y."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics import MeanMetric, Metric


class Confusion(nn.Module):
    """A's confusion on the validation split: L_aux over the entropy of y **at the rates of training**.

    Without information on y, A's best guess is the rate p of y in training batches, and its loss the entropy H(p).
    Where batches are balanced, p isn't the rate of the validation split; both classes then count there as in training.

    Args:
        attribute_count: k.
    """

    def __init__(self, attribute_count: int) -> None:
        super().__init__()
        self.rates: Any = nn.ModuleList(MeanMetric() for _ in range(attribute_count))
        self.losses: Any = ClassLosses(attribute_count)
        self.balanced: Tensor | None = None  # p of each attribute, if batches are balanced

    def read(self, data: Any, device: torch.device) -> None:
        """Take from the training's data how often balanced batches have each attribute."""
        if getattr(data, "balance", None):
            self.balanced = data.batch_rates().to(device)

    def update(self, logits: Tensor, labels: Tensor) -> None:
        """Add a batch: A's logits ``[B, k]``, and the labels ``[B, k]`` in {0, 1}, NaN where unknown."""
        for rate, column in zip(self.rates, labels.T, strict=True):
            rate.update(column[~column.isnan()])
        self.losses.update(logits, labels)

    def compute(self, loss: Tensor) -> tuple[Tensor, Tensor]:
        """L_aux of the split as training counts it, and its ratio to the entropy of y; then start anew.

        The ratio is 1 if A predicts only the frequency of y, and NaN if every attribute is constant.

        Args:
            loss: the mean of L_aux over the split.
        """
        most = entropy(torch.stack([rate.compute() for rate in self.rates])).nanmean()  # of those with known labels
        if self.balanced is not None:
            loss, most = at_rates(self.losses.compute(), self.balanced)
        for metric in (*self.rates, self.losses):
            metric.reset()
        return loss, loss / torch.where(most > 0, most, torch.nan)


class ClassLosses(Metric):
    """The mean of L_bce(ỹ, y) over the images without, and over those with, each attribute.

    Args:
        attribute_count: k.
    """

    full_state_update = False
    totals: Tensor
    counts: Tensor

    def __init__(self, attribute_count: int) -> None:
        super().__init__()
        for name in ("totals", "counts"):
            self.add_state(name, torch.zeros(2, attribute_count), dist_reduce_fx="sum")

    def update(self, logits: Tensor, labels: Tensor) -> None:
        """Add a batch: logits ``[B, k]``, labels ``[B, k]`` in {0, 1}, NaN where unknown."""
        terms = F.binary_cross_entropy_with_logits(logits, labels.nan_to_num(), reduction="none")
        kinds = torch.stack([labels == 0, labels == 1])  # NaN is neither
        self.totals += (kinds * terms).sum(1)
        self.counts += kinds.sum(1)

    def compute(self) -> Tensor:
        """The means ``[2, k]``; NaN where there are no images."""
        return self.totals / self.counts


def entropy(rates: Tensor) -> Tensor:
    """H(p) = -p log p - (1 - p) log(1 - p) in nats, elementwise, of rates in [0, 1]; NaN where a rate is."""
    return -(torch.xlogy(rates, rates) + torch.xlogy(1 - rates, 1 - rates))


def at_rates(class_losses: Tensor, rates: Tensor) -> tuple[Tensor, Tensor]:
    """L_aux of a split as if the attributes had other rates, and H(p), which it is where A knows nothing.

    Both are means over the attributes of which each class has images, in nats; NaN if there are none.

    Args:
        class_losses: L_aux on the images without, and with, each attribute, ``[2, k]``.
        rates: p, ``[k]`` in [0, 1].
    """
    expected = (1 - rates) * class_losses[0] + rates * class_losses[1]
    known = ~expected.isnan()
    return expected[known].mean(), entropy(rates)[known].mean()
