"""How well the encoder predicts the attributes: Acc(E_y), AIF Table 3 and Figure 2."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.classification import multilabel_stat_scores

from facet.measures.intervals import Rate, balanced, wilson


class ClassifierScores(NamedTuple):
    """The scores of one attribute; NaN where a score is undefined for the given labels.

    ``accuracy`` = (TP + TN) / n with its 95% Wilson interval; ``balanced_accuracy`` = ½ (TP / P + TN / N), which a
    constant prediction can't lift above ½; ``f1`` = 2 TP / (2 TP + FP + FN), of the attribute's presence;
    ``on`` = TP / P and ``off`` = TN / N with their intervals and n.
    """

    accuracy: Rate
    balanced_accuracy: float
    f1: float
    on: Rate
    off: Rate

    def as_dict(self) -> dict[str, object]:
        """The scores as plain numbers, for JSON."""
        rates = {name: getattr(self, name).as_dict() for name in ("accuracy", "on", "off")}
        return {**rates, "balanced_accuracy": self.balanced_accuracy, "f1": self.f1}

    def of_classes(self) -> dict[str, Rate]:
        """The accuracies on images with and without the attribute, and their mean, each with its interval."""
        return {"on": self.on, "off": self.off, "balanced": balanced(self.on, self.off)}


class AttributeAccuracy(Metric):
    """Acc(E_y) (AIF Table 3): accuracy, balanced accuracy and F1 of ŷ against the labels, per attribute.

    ŷ above 0.5 is read as 1. A prediction of NaN counts as wrong for either label; otherwise a diverged model would
    score the share of zeros. Unknown labels are left out.

    Args:
        attribute_count: k.
    """

    full_state_update = False
    counts: Tensor

    def __init__(self, attribute_count: int) -> None:
        super().__init__()
        self.attribute_count = attribute_count
        # Per attribute TP, FP, TN, FN.
        self.add_state("counts", torch.zeros(attribute_count, 4, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, predictions: Tensor, labels: Tensor) -> None:
        """Count one batch, on its device.

        Args:
            predictions: ŷ, ``[B, k]``, in [0, 1] or, from methods that amplify attributes, beyond.
            labels: ``[B, k]`` in {0, 1}; NaN where unknown.

        Raises:
            ValueError: shapes other than ``[B, k]``.
        """
        for name, values in {"predictions": predictions, "labels": labels}.items():
            if values.shape != (len(labels), self.attribute_count):
                expected = (len(labels), self.attribute_count)
                raise ValueError(f"AttributeAccuracy: {name} has shape {tuple(values.shape)}, expected {expected}")
        if len(labels) == 0:  # torchmetrics refuses an empty batch
            return
        unknown = -1
        targets = labels.nan_to_num(nan=unknown).long()
        readings = torch.where(predictions.isnan(), targets == 0, predictions > 0.5).long()
        # Without validation: it would read the tensors on the host.
        scores = multilabel_stat_scores(
            readings, targets, self.attribute_count, average="none", ignore_index=unknown, validate_args=False
        )
        self.counts += scores[..., :4].reshape(self.attribute_count, 4)

    def compute(self) -> list[ClassifierScores]:
        """The scores of every attribute, in the order of the columns."""
        return [_scores(*row) for row in self.counts.tolist()]


def _scores(true_positive: int, false_positive: int, true_negative: int, false_negative: int) -> ClassifierScores:
    positives, negatives = true_positive + false_negative, true_negative + false_positive
    recalls = [_share(true_positive, positives), _share(true_negative, negatives)]
    return ClassifierScores(
        accuracy=wilson(true_positive + true_negative, positives + negatives),
        balanced_accuracy=sum(recalls) / 2,
        f1=_share(2 * true_positive, 2 * true_positive + false_positive + false_negative),
        on=wilson(true_positive, positives),
        off=wilson(true_negative, negatives),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
