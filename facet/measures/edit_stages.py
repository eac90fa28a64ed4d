"""What an editor that was trained in stages could do at the end of each, measured as the whole run is."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from facet.judge import Judge
from facet.measures import OPTIONAL
from facet.measures.run import measure
from facet.protocols import Data, StagedEditor

SHOWN = ("faces", "faces_reconstruction", "turned", "turned_on")
"""The pictures that are kept of every stage."""


def measure_edit_stages(
    model: StagedEditor,
    stages: list[Path],
    data: Data,
    judge: Judge,
    split: str,
    faces: int,
    seed: int,
    wanted: Collection[str] = OPTIONAL,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Measure an editor as it is, and at the end of every stage before.

    Args:
        model: in evaluation mode.
        stages: the files of its stages, from the narrowest; one of the model's own size is the model itself.
        data: with the editor's attributes.
        judge: of the same data, on the model's device.
        split: usually ``test``.
        faces: how many examples to keep.
        seed: of whatever is drawn.
        wanted: which of ``OPTIONAL``.

    Returns:
        The measures of the model (:func:`facet.measures.run.measure`), and under ``stages`` those of every stage, the
        model last, each with its ``parameters``; and the pictures of the model, beside those of the stages' that show
        every attribute turned over, their names prefixed with ``<nuisance>-``.
    """
    found, shown = measure(model, data, judge, split, faces, seed, wanted)
    before = [editor for editor in map(model.at_stage, stages) if editor.open_parameters() < model.open_parameters()]
    measured = [(editor, *measure(editor, data, judge, split, faces, seed, wanted)) for editor in before]
    measured.append((model, found, shown))
    kept = [{"parameters": editor.open_parameters(), **each} for editor, each, _ in measured]
    pictures = dict(shown)
    for _, each, faces_of in measured[:-1]:
        pictures |= {f"{each['nuisance']}-{name}": faces_of[name] for name in SHOWN if name in faces_of}
    return {**found, "stages": kept}, pictures
