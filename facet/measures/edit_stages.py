"""What an editor that was trained in stages could do at the end of each: reconstruction, control, drift."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from facet.judge import Judge
from facet.measures.run import measure
from facet.protocols import Data, StagedEditor

KEPT = ("nuisance", "mse", "reconstruction", "edits", "classifier", "drift")


def measure_edit_stages(
    model: StagedEditor, stages: list[Path], data: Data, judge: Judge, split: str, faces: int, seed: int
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Measure an editor at the end of every stage.

    Args:
        model: whose stages they are.
        stages: their files, from the narrowest.
        data: with the editor's attributes.
        judge: of the same data.
        split: usually ``test``.
        faces: how many examples to keep.
        seed: of whatever is drawn.

    Returns:
        For every stage ``nuisance``, how many numbers the code has beside the attributes, ``parameters``, and of
        ``results.json``'s measures ``mse``, ``reconstruction``, ``edits``, ``classifier`` and ``drift``; and what
        :func:`facet.measures.run.measure` shows, its names prefixed with ``<nuisance>-``.
    """
    measured: list[dict[str, Any]] = []
    pictures: dict[str, np.ndarray] = {}
    for stage in stages:
        editor = model.at_stage(stage)
        found, shown = measure(editor, data, judge, split, faces, seed, ("drift",))
        measured.append({"parameters": editor.open_parameters(), **{key: found[key] for key in KEPT}})
        pictures |= {f"{found['nuisance']}-{name}": picture for name, picture in shown.items()}
    return measured, pictures
