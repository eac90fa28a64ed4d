"""Measures of an editor at the end of each of its training stages."""

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
"""The pictures that are kept of every stage but the last, of which all are kept."""


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
    """Measure an editor, and its state at the end of every earlier stage.

    Args:
        model: in evaluation mode.
        stages: files of its stages, from the narrowest. A stage of the model's own size is the model itself.
        data: with the editor's attributes.
        judge: of the same data, on the model's device.
        split: usually ``test``.
        faces: number of example faces.
        seed: of the probes.
        wanted: the optional measures to take, of ``OPTIONAL``, and the second opinions to ask, of ``OPINIONS``.

    Returns:
        The measures of the model (:func:`facet.measures.run.measure`), with those of every stage under ``stages``, the
        model last, each with its ``parameters``; and the pictures of the model, with the pictures ``SHOWN`` of earlier
        stages, whose names are prefixed with ``<nuisance>-``.
    """
    final, final_pictures = measure(model, data, judge, split, faces, seed, wanted)
    before = [editor for editor in map(model.at_stage, stages) if editor.open_parameters() < model.open_parameters()]
    measured = [(editor, *measure(editor, data, judge, split, faces, seed, wanted)) for editor in before]
    measured.append((model, final, final_pictures))
    of_stages = [{"parameters": editor.open_parameters(), **measures} for editor, measures, _ in measured]
    pictures = dict(final_pictures)
    for _, measures, drawn in measured[:-1]:
        pictures |= {f"{measures['nuisance']}-{name}": drawn[name] for name in SHOWN if name in drawn}
    return {**final, "stages": of_stages}, pictures
