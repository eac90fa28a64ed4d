"""Whether an attribute can be set gradually: each step of its value must change the judge's reading."""

from __future__ import annotations

import torch
from torch import Tensor

from facet.judge import Judge
from facet.measures.edits import edited, encoded
from facet.measures.intervals import Mean
from facet.protocols import Data, Editor

FACES = 250
STEPS = torch.linspace(-0.5, 1.5, 9)


@torch.inference_mode()
def continuity(editor: Editor, data: Data, judge: Judge, images: Tensor, labels: Tensor) -> dict[str, Mean]:
    """Share of the steps between successive values of an attribute that raise the judge's logit of the attribute.

    The share is 1 if the attribute grows with its value over the whole range, also beyond 0 and 1. It is 1/8 for a
    switch, which draws only two images for the nine values, 0 if the image ignores the value, and 1/2 if it changes at
    random.

    Args:
        editor: in evaluation mode.
        data: with the editor's attributes.
        judge: of the same data, on the editor's device.
        images: ``[B, C, H, W]`` in [0, 1], on the same device.
        labels: of the editor's attributes, ``[B, k]``, NaN where unknown.

    Returns:
        The share by attribute; n is the number of faces.
    """
    attributes, nuisance = encoded(editor, images, labels)
    shares = {}
    for j, name in enumerate(editor.attribute_names):
        column = judge.attribute_names.index(name)
        logits = [judge(edited(editor, data, attributes, nuisance, j, float(value)))[:, column] for value in STEPS]
        rises = graded(torch.stack(logits, 1))
        shares[name] = Mean(float(rises.mean()), len(images))
    return shares


def graded(readings: Tensor) -> Tensor:
    """Share of rising steps in each row: ``[B, values]`` to ``[B]``. A rise within rounding error does not count."""
    return (readings.diff(dim=1) > 1e-3).float().mean(1)
