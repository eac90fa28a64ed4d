"""Whether an edit keeps the person: the judge's features before and after, and the other attributes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypedDict

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import Metric

from facet.measures.intervals import Mean, Rate, wilson


class Kept(TypedDict):
    """The scores of one kind of edit, or of reconstructions."""

    cosine: Mean
    factors: Rate


class Identity(Metric):
    """Compares reconstructions and edits with the *input*; :class:`~facet.measures.drift.Drift` does not use it.

    ``cosine`` is the mean cosine of the judge's features of the image before and after. ``factors`` is the share of
    the other known attributes whose reading in the edit agrees with the input's label. Edits invert the attribute, of
    inputs whose label is known. These measures are the project's; neither paper has them. The judge was trained to
    classify attributes, not persons, so cosines compare systems on one data set only.

    The attributes of one face are not independent trials. The interval of ``factors`` therefore counts every face as
    one trial, and is too wide rather than too narrow.

    Args:
        edited: names of the k edited attributes.
        judged: names of the K attributes that the judge reads; the labels must have all of them.
        excluded: edited attribute -> the attributes that must change with it, which are left out.
    """

    full_state_update = False
    cosines: Tensor
    shares: Tensor
    images: Tensor
    faces: Tensor
    others: Tensor

    def __init__(
        self,
        edited: Sequence[str],
        judged: Sequence[str],
        excluded: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        super().__init__()
        self.edited, rows = tuple(edited), len(edited) + 1  # the last row is the reconstruction
        left_out = {name: {name, *(excluded or {}).get(name, ())} for name in edited}
        counted = [[other not in left_out[name] for other in judged] for name in edited]
        self.register_buffer("others", torch.tensor([*counted, [True] * len(judged)]), persistent=False)
        for name in ("cosines", "shares"):
            self.add_state(name, torch.zeros(rows, dtype=torch.float64), dist_reduce_fx="sum")
        for name in ("images", "faces"):
            self.add_state(name, torch.zeros(rows, dtype=torch.long), dist_reduce_fx="sum")

    def update(
        self, labels: Tensor, before: Tensor, after: Tensor, readings: Tensor, known: Tensor | None = None
    ) -> None:
        """Count one batch, on its device.

        Args:
            labels: of the inputs and of all judged attributes, ``[B, K]`` in {0, 1}; NaN where unknown.
            before: the judge's features of the inputs, ``[B, F]``.
            after: the judge's features of the k edits and then of the reconstruction, ``[B, k + 1, F]``.
            readings: the judge's readings of the same images, ``[B, k + 1, K]``, boolean.
            known: whether an edit counts, ``[B, k + 1]``, boolean; all count if None.

        Raises:
            ValueError: other shapes.
        """
        rows, count = len(self.edited) + 1, len(labels)
        if after.shape[:2] != (count, rows) or readings.shape != (count, rows, labels.shape[1]):
            shapes = f"{tuple(after.shape)} and {tuple(readings.shape)}"
            raise ValueError(f"Identity: expected [{count}, {rows}, F] and [{count}, {rows}, K], got {shapes}")
        counts = torch.ones_like(readings[..., 0]) if known is None else known
        cosine = F.cosine_similarity(before[:, None].double(), after.double(), dim=2)
        compared = ~labels.isnan()[:, None] & self.others  # [B, k + 1, K]
        kept = (readings == (labels == 1)[:, None]) & compared
        share = kept.sum(2) / compared.sum(2).clamp(min=1)
        has_others = counts & compared.any(2)
        self.cosines += torch.where(counts, cosine, 0.0).sum(0)
        self.shares += torch.where(has_others, share.double(), 0.0).sum(0)
        self.images += counts.sum(0)
        self.faces += has_others.sum(0)

    def compute(self) -> list[Kept]:
        """The scores of every edited attribute, and last of the reconstruction."""
        scores: list[Kept] = []
        for row in range(len(self.edited) + 1):
            images, faces = int(self.images[row]), int(self.faces[row])
            cosine = Mean(float(self.cosines[row]) / images if images else float("nan"), images)
            rate = wilson(round(float(self.shares[row])), faces)
            if faces:  # the interval is that of a whole number of faces; the value is exact
                rate = rate._replace(value=float(self.shares[row]) / faces)
            scores.append({"cosine": cosine, "factors": rate})
        return scores
