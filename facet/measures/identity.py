"""Whether an edit keeps who is seen: the judge's features before and after, and the factors that should stay."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypedDict

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import Metric

from facet.measures.intervals import Mean, Rate, wilson


class Kept(TypedDict):
    """What one way of changing images keeps of them."""

    cosine: Mean
    factors: Rate


class Identity(Metric):
    """Reconstructions and edits against the *input*: what :class:`~facet.measures.drift.Drift` leaves out on purpose.

    ``cosine`` is the mean cosine of the judge's features of the image before and after; ``factors`` the share of the
    other known attributes that the judge reads in the edit as the input's labels have them. Edits are those that turn
    the attribute over, of inputs whose label is known. (This project's measures; neither paper has them.) The judge
    was trained to tell attributes, not persons, so the cosine compares systems on one data set and nothing else.

    The factors of one face are no independent trials, so the interval of ``factors`` counts every face as one: wide
    rather than wrong.

    Args:
        edited: names of the k edited attributes.
        judged: names of the K attributes that the judge reads, which the labels must cover.
        excluded: per edited attribute, others that have to change with it; left out.
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
        self.edited, rows = tuple(edited), len(edited) + 1  # the last row is the reconstruction, of which all counts
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
            labels: of the inputs, what the judge could read, ``[B, K]`` in {0, 1}; NaN where unknown.
            before: the judge's features of the inputs, ``[B, F]``.
            after: its features of the k edits and then of the reconstruction, ``[B, k + 1, F]``.
            readings: what it reads there, ``[B, k + 1, K]``, boolean.
            known: whether an edit counts, ``[B, k + 1]``, boolean; all of them by default.

        Raises:
            ValueError: other shapes.
        """
        rows, count = len(self.edited) + 1, len(labels)
        if after.shape[:2] != (count, rows) or readings.shape != (count, rows, labels.shape[1]):
            shapes = f"{tuple(after.shape)} and {tuple(readings.shape)}"
            raise ValueError(f"Identity: expected [{count}, {rows}, F] and [{count}, {rows}, K], got {shapes}")
        counts = torch.ones_like(readings[..., 0]) if known is None else known
        cosine = F.cosine_similarity(before[:, None].double(), after.double(), dim=2)
        told = ~labels.isnan()[:, None] & self.others  # [B, k + 1, K]
        kept = (readings == (labels == 1)[:, None]) & told
        share = kept.sum(2) / told.sum(2).clamp(min=1)
        has_others = counts & told.any(2)
        self.cosines += torch.where(counts, cosine, 0.0).sum(0)
        self.shares += torch.where(has_others, share.double(), 0.0).sum(0)
        self.images += counts.sum(0)
        self.faces += has_others.sum(0)

    def compute(self) -> list[Kept]:
        """Per edited attribute, and last for the reconstruction."""
        found: list[Kept] = []
        for row in range(len(self.edited) + 1):
            images, faces = int(self.images[row]), int(self.faces[row])
            cosine = Mean(float(self.cosines[row]) / images if images else float("nan"), images)
            rate = wilson(round(float(self.shares[row])), faces)
            if faces:  # the interval is of whole faces, the value is not rounded to them
                rate = rate._replace(value=float(self.shares[row]) / faces)
            found.append({"cosine": cosine, "factors": rate})
        return found
