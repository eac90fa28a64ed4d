"""Drift: how often an edit changes the judge's readings of the other attributes."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TypedDict

import torch
from torch import Tensor
from torchmetrics import Metric

from facet.measures.intervals import Rate, wilson


class AttributeDrift(TypedDict):
    """The drift of the edits of one attribute: flipped shares of the others, by name, and their mean."""

    on: dict[str, Rate]
    off: dict[str, Rate]
    mean: float


class Drift(Metric):
    """Share of images in which the judge's reading of another attribute flips when one attribute is edited.

    For edited attribute i and judged attribute j ≠ i, with r_j the judge's reading of j in the unedited
    reconstruction and e_ij its reading in the edit of i: P(e_ij ≠ r_j), separately for edits of i to 1 (``on``) and to
    0 (``off``). The reference is the reconstruction and not the input, so that errors of reconstruction do not count
    as drift. ``mean`` is the unweighted mean over the other attributes and both directions; NaN if there are no others.
    An edit that changes nothing has no drift, so read it beside :class:`~facet.measures.edits.EditRates`. This measure
    is the project's; neither paper has it.

    Args:
        edited: names of the k edited attributes, in the order of ``edit_off`` and ``edit_on``.
        judged: names of the K attributes that the judge reads, in the order of its columns.
        excluded: edited attribute -> the attributes that must change with it (Black_Hair: Blond_Hair, Gray_Hair),
            which are left out of the result. Names that are not judged are ignored.

    Raises:
        ValueError: a name occurs twice in ``edited`` or in ``judged``.
    """

    full_state_update = False
    flips: Tensor
    images: Tensor

    def __init__(
        self,
        edited: Sequence[str],
        judged: Sequence[str],
        excluded: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        super().__init__()
        for role, names in {"edited": edited, "judged": judged}.items():
            if len(set(names)) < len(names):
                raise ValueError(f"Drift: a name appears twice among the {role} attributes: {', '.join(names)}")
        self.edited, self.judged = tuple(edited), tuple(judged)
        self.left_out = {name: {name, *(excluded or {}).get(name, ())} for name in edited}
        shape = (2, len(self.edited), len(self.judged))
        self.add_state("flips", torch.zeros(shape, dtype=torch.long), dist_reduce_fx="sum")
        self.add_state("images", torch.zeros((), dtype=torch.long), dist_reduce_fx="sum")

    def update(self, reconstruction: Tensor, edit_off: Tensor, edit_on: Tensor) -> None:
        """Count one batch, on its device.

        Args:
            reconstruction: the judge's readings of the unedited reconstructions, ``[B, K]``, boolean.
            edit_off: its readings of the edits of each attribute to 0, ``[B, k, K]``, boolean.
            edit_on: its readings of the edits of each attribute to 1, same shape and type.

        Raises:
            ValueError: other shapes, or readings that are not boolean (probabilities, say).
        """
        count, k, judged = len(reconstruction), len(self.edited), len(self.judged)
        expected = {"reconstruction": (count, judged), "edit_off": (count, k, judged), "edit_on": (count, k, judged)}
        for (name, shape), values in zip(expected.items(), (reconstruction, edit_off, edit_on), strict=True):
            if values.shape != shape:
                raise ValueError(f"Drift: {name} has shape {tuple(values.shape)}, expected {shape}")
            if values.dtype != torch.bool:
                raise ValueError(f"Drift: {name} must be boolean, the judge's readings, not {values.dtype}")
        self.flips += (torch.stack([edit_off, edit_on]) ^ reconstruction[:, None]).sum(dim=1)
        self.images += count

    def compute(self) -> dict[str, AttributeDrift]:
        """Per edited attribute: the flipped share of every other judged attribute with its 95% Wilson interval."""
        images = int(self.images)
        off, on = self.flips.tolist()
        return {name: self._of(name, off[row], on[row], images) for row, name in enumerate(self.edited)}

    def _of(self, name: str, off: list[int], on: list[int], images: int) -> AttributeDrift:
        others = [(j, other) for j, other in enumerate(self.judged) if other not in self.left_out[name]]
        rates_on = {other: wilson(on[j], images) for j, other in others}
        rates_off = {other: wilson(off[j], images) for j, other in others}
        values = [rate.value for rate in (*rates_on.values(), *rates_off.values())]
        return {"on": rates_on, "off": rates_off, "mean": sum(values) / len(values) if values else math.nan}
