"""Example faces of an editor: edited, amplified, with two attributes edited, interpolated between two people."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from facet.measures.edits import edited, edited_together, encoded, interpolated
from facet.measures.shown import SHARES, TOGETHER, VALUES
from facet.protocols import Data, Editor

TURNED = 8  # faces with every attribute inverted
VARIED = 3  # faces at every value


def examples_of(
    editor: Editor, data: Data, take: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor, faces: int
) -> dict[str, np.ndarray]:
    """Draw the example faces of the figures, as uint8.

    Args:
        editor: in evaluation mode.
        data: with the editor's attributes.
        take: converts uint8 images to [0, 1] on the editor's device.
        images: of a split, ``[N, C, r, r]`` uint8.
        labels: ``[N, k]``.
        faces: number of examples.

    Returns:
        Arrays by name. Of the first faces that have the first attribute: ``original``, ``reconstruction``, and its
        edits ``off`` and ``on``, each ``[faces, C, r, r]``. If there are several attributes, of the first faces of the
        split: ``faces`` and ``faces_reconstruction``; ``turned`` ``[k, ..., C, r, r]``, each attribute inverted, and
        ``turned_on`` ``[k, ...]``, whether the edit added it; ``varied`` ``[k, VARIED, len(VALUES), C, r, r]``, every
        attribute at every value; ``together`` ``[VARIED, t, t, C, r, r]``, the first attribute (rows) and the second
        (columns) at the values of ``TOGETHER``; ``between`` ``[VARIED, len(SHARES), C, r, r]``, interpolations to the
        next face's attributes.
    """
    with_attribute = (labels[:, 0] == 1).nonzero().squeeze(1)[:faces]
    examples = _first_attribute(editor, data, take(images[with_attribute]), labels[with_attribute])
    if len(editor.attribute_names) == 1:
        return examples
    first = slice(min(faces, TURNED))
    some = take(images[first])
    known = labels[first].to(some.device)
    predicted, nuisance = encoded(editor, some, known)
    turned, turned_on = _turned(editor, data, predicted, nuisance, known)
    shown = {"faces": some, "faces_reconstruction": editor.decode(predicted, nuisance), "turned": turned}
    few = slice(VARIED)
    shown["varied"] = torch.stack(
        [
            torch.stack([edited(editor, data, predicted[few], nuisance[few], j, value) for value in VALUES], 1)
            for j in range(len(editor.attribute_names))
        ]
    )
    shown["together"] = _together(editor, data, predicted[few], nuisance[few])
    donors = predicted.roll(-1, 0)[few]
    shown["between"] = interpolated(editor, predicted[few], donors, nuisance[few], SHARES)
    return {**examples, **{name: _bytes(row) for name, row in shown.items()}, "turned_on": turned_on}


def _first_attribute(editor: Editor, data: Data, images: Tensor, labels: Tensor) -> dict[str, np.ndarray]:
    predicted, nuisance = encoded(editor, images, labels.to(images.device))
    rows = {
        "original": images,
        "reconstruction": editor.decode(predicted, nuisance),
        "off": edited(editor, data, predicted, nuisance, 0, False),
        "on": edited(editor, data, predicted, nuisance, 0, True),
    }
    return {name: _bytes(row) for name, row in rows.items()}


def _turned(
    editor: Editor, data: Data, predicted: Tensor, nuisance: Tensor, labels: Tensor
) -> tuple[Tensor, np.ndarray]:
    add = labels != 1  # an attribute of unknown label is added
    edits = [
        torch.where(
            add[:, j, None, None, None],
            edited(editor, data, predicted, nuisance, j, True),
            edited(editor, data, predicted, nuisance, j, False),
        )
        for j in range(len(editor.attribute_names))
    ]
    return torch.stack(edits), add.T.cpu().numpy()


def _together(editor: Editor, data: Data, predicted: Tensor, nuisance: Tensor) -> Tensor:
    down, across = editor.attribute_names[:2]
    lines = [
        torch.stack(
            [edited_together(editor, data, predicted, nuisance, {down: y, across: x}) for x in TOGETHER],
            1,
        )
        for y in TOGETHER
    ]
    return torch.stack(lines, 1)


def _bytes(images: Tensor) -> np.ndarray:
    values: np.ndarray = (images.clamp(0, 1) * 255).round().byte().cpu().numpy()
    return values
