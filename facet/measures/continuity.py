"""Whether an attribute can be dialled, not just switched: every step of its value moves what the judge sees."""

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
    """Share of steps from one value of an attribute to the next that raise the judge's logit of it.

    1: the attribute grows with its number all the way, beyond 0 and 1 as well. A switch, which draws two pictures for
    nine values, has 1/8; a picture that ignores the number has 0, and one that follows it by chance 1/2.

    Args:
        editor: in evaluation mode.
        data: with the editor's attributes.
        judge: of the same data, on the editor's device.
        images: ``[B, C, H, W]`` in [0, 1], there too.
        labels: of the editor's attributes, ``[B, k]``, NaN where unknown.

    Returns:
        By attribute; n is the number of faces.
    """
    attributes, nuisance = encoded(editor, images, labels)
    found = {}
    for j, name in enumerate(editor.attribute_names):
        column = judge.attribute_names.index(name)
        logits = [judge(edited(editor, data, attributes, nuisance, j, float(value)))[:, column] for value in STEPS]
        rises = graded(torch.stack(logits, 1))
        found[name] = Mean(float(rises.mean()), len(images))
    return found


def graded(readings: Tensor) -> Tensor:
    """Share of steps that rise, of each row: ``[B, values]`` to ``[B]``. Rounding of a batch is no rise."""
    return (readings.diff(dim=1) > 1e-3).float().mean(1)
