"""What a smile network that others trained says of smiles and of their edits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchmetrics.functional.classification import binary_auroc

from facet.measures.edits import EditRates
from facet.measures.intervals import Mean, wilson


class Smiles:
    """Counts one attribute's readings by another network, as :class:`~facet.measures.edits.EditRates` the judge's.

    The network was trained on photographs and may not understand drawn faces. So its AUC and its readings of the
    unedited test images stand beside whatever it says of edits. ``raised`` needs no threshold: the share of faces whose
    edit to 1 it finds happier than their edit to 0.

    Args:
        look: images ``[B, C, H, W]`` in [0, 1] to how happy they look, ``[B]``, and which smile, ``[B]`` boolean.
        column: the attribute's, among the labels.
    """

    def __init__(self, look: Callable[[Tensor], tuple[Tensor, Tensor]], column: int) -> None:
        self.look, self.column = look, column
        self.rates, self.real = EditRates(1), EditRates(1)
        self.scores: list[Tensor] = []
        self.labels: list[Tensor] = []
        self.raised = self.compared = 0

    def add(self, images: Tensor, labels: Tensor, reconstruction: Tensor, start: int) -> None:
        """Count the unedited images of a batch, its labels ``[B, k]``, and remember its reconstructions."""
        score, seen = self._look(images)
        self.scores.append(score)
        self.labels.append(labels[:, self.column].cpu())
        self.real.update(self.labels[-1][:, None], seen, seen, seen)
        self.reconstructed = self._look(reconstruction)[1]

    def add_edits(self, column: int, off: Tensor, on: Tensor) -> None:
        """Count the edits of one attribute of the batch that was added last."""
        if column != self.column:
            return
        labels = self.labels[-1]
        (score_off, seen_off), (score_on, seen_on) = self._look(off), self._look(on)
        self.rates.update(labels[:, None], self.reconstructed, seen_off, seen_on)
        known = ~labels.isnan()
        self.raised += int((score_on > score_off)[known].sum())
        self.compared += int(known.sum())

    def compute(self) -> dict[str, Any]:
        """The opinion: ``auc`` of the test images, rates of these, of reconstructions and of edits."""
        edits, real = self.rates.compute()[0], self.real.compute()[0]["reconstruction"]
        full = {cell: edits["full"][cell] for cell in ("on_from_on", "off_from_on", "on_from_off", "off_from_off")}
        return {
            "auc": self._auc(),
            **{f"real_{side}": rate for side, rate in real.items()},
            **{f"reconstruction_{side}": rate for side, rate in edits["reconstruction"].items()},
            **full,
            "raised": wilson(self.raised, self.compared),
        }

    def _look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        score, seen = self.look(images)
        return score.cpu(), seen.cpu()[:, None]

    def _auc(self) -> Mean:
        scores, labels = torch.cat(self.scores), torch.cat(self.labels)
        known = ~labels.isnan()
        scores, labels = scores[known].double(), labels[known].long()
        if not 0 < labels.sum() < len(labels):
            return Mean(float("nan"), len(labels))
        # in float64: the sigmoid that binary_auroc takes makes confident readings equal in float32
        return Mean(float(binary_auroc(scores.sigmoid(), labels, validate_args=False)), len(labels))
