"""How often edits succeed: Ĉ_A and Ĉ_not-A of the AIF paper, and the reconstruction rates that they depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torchmetrics import Metric

from facet.measures.intervals import Rate, balanced, wilson
from facet.protocols import Data, Editor, LabelsGiven, Rules

AttributeRates = dict[str, dict[str, Rate]]


class EditRates(Metric):
    """Shares of reconstructions and edits that the judge reads as intended, per attribute (AIF §4.2, Tables 1 to 3).

    With y the input's label, r, e₀ and e₁ the judge's reading of the unedited reconstruction, the edit to 0 and the
    edit to 1, :meth:`compute` returns for each attribute

    ``reconstruction``
        ``on`` = P(r = 1 | y = 1), ``off`` = P(r = 0 | y = 0). If either is low, the edit rates can't be interpreted.
    ``paper``
        the paper's protocol, with inputs of A = 1 only: ``on`` = Ĉ_A = P(e₁ = 1 | y = 1),
        ``off`` = Ĉ_not-A = P(e₀ = 0 | y = 1). A decoder that ignores y has ``on`` + ``off`` = 1.
    ``full``
        ``on_from_on`` = P(e₁ = 1 | y = 1), ``on_from_off`` = P(e₁ = 1 | y = 0), ``off_from_on`` = P(e₀ = 0 | y = 1),
        ``off_from_off`` = P(e₀ = 0 | y = 0); ``on`` and ``off`` are pooled over both kinds of input.
    ``balanced``
        both kinds of input count alike, however rare the attribute is: ``on`` is the mean of ``on_from_on`` and
        ``on_from_off``, ``off`` of ``off_from_on`` and ``off_from_off``, and ``turned`` of ``off_from_on`` and
        ``on_from_off``, the edits that have something to change.

    Each is a :class:`~facet.measures.intervals.Rate` with its 95% Wilson interval. For each attribute, inputs whose
    label of it is unknown are left out.

    Args:
        attribute_count: k, the number of edited attributes.
    """

    full_state_update = False
    counts: Tensor

    def __init__(self, attribute_count: int) -> None:
        super().__init__()
        self.attribute_count = attribute_count
        # Per label (0, 1) and attribute: the number of inputs, and of readings of 1 in r, e₀ and e₁.
        self.add_state("counts", torch.zeros(2, attribute_count, 4, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, labels: Tensor, reconstruction: Tensor, edit_off: Tensor, edit_on: Tensor) -> None:
        """Count one batch, on its device.

        Args:
            labels: ``[B, k]`` in {0, 1}; NaN where unknown.
            reconstruction: the judge's reading of attribute j in the unedited reconstruction, ``[B, k]``, boolean.
            edit_off: its reading of attribute j in the edit of attribute j to 0, same shape and type.
            edit_on: its reading of attribute j in the edit of attribute j to 1, same shape and type.

        Raises:
            ValueError: a shape other than ``[B, k]``, or readings that are not boolean (probabilities, say).
        """
        readings = {"reconstruction": reconstruction, "edit_off": edit_off, "edit_on": edit_on}
        for name, values in {"labels": labels, **readings}.items():
            if values.shape != (len(labels), self.attribute_count):
                expected = (len(labels), self.attribute_count)
                raise ValueError(f"EditRates: {name} has shape {tuple(values.shape)}, expected {expected}")
            if name in readings and values.dtype != torch.bool:
                raise ValueError(f"EditRates: {name} must be boolean, the judge's reading, not {values.dtype}")
        kinds = torch.stack([labels == 0, labels == 1])  # NaN is neither
        columns = torch.stack([torch.ones_like(edit_on), *readings.values()], dim=-1)
        self.counts += (kinds[..., None] & columns).sum(dim=1)

    def compute(self) -> list[AttributeRates]:
        """The rates of every attribute, in the order of the columns."""
        return [_rates(off, on) for off, on in self.counts.transpose(0, 1).tolist()]


def _rates(off: list[int], on: list[int]) -> AttributeRates:
    """The rates of one attribute from the counts (inputs, r = 1, e₀ = 1, e₁ = 1) of inputs without it and with it."""
    n_off, reconstructed_off, removed_off, added_off = off
    n_on, reconstructed_on, removed_on, added_on = on
    on_from_on, on_from_off = wilson(added_on, n_on), wilson(added_off, n_off)
    off_from_on, off_from_off = wilson(n_on - removed_on, n_on), wilson(n_off - removed_off, n_off)
    return {
        "reconstruction": {
            "on": wilson(reconstructed_on, n_on),
            "off": wilson(n_off - reconstructed_off, n_off),
        },
        "paper": {"on": on_from_on, "off": off_from_on},
        "full": {
            "on_from_on": on_from_on,
            "on_from_off": on_from_off,
            "off_from_on": off_from_on,
            "off_from_off": off_from_off,
            "on": wilson(added_on + added_off, n_on + n_off),
            "off": wilson(n_on + n_off - removed_on - removed_off, n_on + n_off),
        },
        "balanced": {
            "on": balanced(on_from_on, on_from_off),
            "off": balanced(off_from_on, off_from_off),
            "turned": balanced(off_from_on, on_from_off),
        },
    }


def encoded(editor: Editor, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """``encode``; methods that predict no attributes are given the labels ``[B, k]``."""
    return editor.encode(images, labels) if isinstance(editor, LabelsGiven) else editor.encode(images)


def edited(editor: Editor, data: Data, attributes: Tensor, nuisance: Tensor, column: int, value: float) -> Tensor:
    """Decode with one attribute set for every image, ``[B, C, H, W]``: 0 removes it, 1 adds it, 2 amplifies it."""
    return edited_together(editor, data, attributes, nuisance, {editor.attribute_names[column]: value})


def edited_together(
    editor: Editor, data: Rules, attributes: Tensor, nuisance: Tensor, values: Mapping[str, float]
) -> Tensor:
    """Decode with several attributes set at once for every image, ``[B, C, H, W]``.

    The other attributes keep their predicted values, except those that the new values imply (``data.implied``): no
    decoder was trained on a face with both black and blond hair.
    """
    names = list(editor.attribute_names)
    implied = [data.implied(name, value > 0.5) for name, value in values.items()]
    changed = attributes.clone()
    for name, value in [*(pair for follows in implied for pair in follows.items()), *values.items()]:
        if name in names:
            changed[:, names.index(name)] = float(value)
    return editor.decode(changed, nuisance)


def interpolated(
    editor: Editor, attributes: Tensor, donors: Tensor, nuisance: Tensor, shares: Sequence[float]
) -> Tensor:
    """Decode interpolations between two faces' attributes, with the first one's nuisance code.

    Args:
        editor: in evaluation mode.
        attributes: of the first faces, ``[B, k]``.
        donors: of the second faces, same shape.
        nuisance: of the first faces.
        shares: weights of the second faces, 0 to 1; above 1 the difference is amplified.

    Returns:
        ``[B, len(shares), C, H, W]``.
    """
    return torch.stack([editor.decode(torch.lerp(attributes, donors, share), nuisance) for share in shares], 1)
