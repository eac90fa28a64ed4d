"""Ranges of heads, drawn by worker processes, which must not import torch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from datamodules.heads.drawing import render
from datamodules.heads.factors import TABLE, draw_head, look


def finished(image: np.ndarray, grey: bool) -> np.ndarray:
    """An image ``[3, r, r]`` uint8 as it is stored: if ``grey``, its luma in three equal channels."""
    if not grey:
        return image
    luma = np.tensordot(np.array([0.299, 0.587, 0.114]), image, 1)
    return np.repeat((luma + 0.5).astype(np.uint8)[None], 3, 0)


def draw_run(
    start: int,
    stop: int,
    split: str,
    resolution: int,
    changes: Mapping[str, bool] | str | None = None,
    *,
    seed: int,
    images_per_identity: int,
    correlation: float = 0.0,
    rates: Mapping[str, float] | None = None,
    grey: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a range of positions of a split; as :func:`datamodules.avatar_drawing.draw_run`."""
    images, labels = [], []
    for index in range(start, stop):
        head = draw_head(seed, split, index, images_per_identity, correlation, rates)
        asked = {changes: not head.labels()[TABLE.names.index(changes)]} if isinstance(changes, str) else changes or {}
        for name, value in asked.items():
            head = head.changed(name, value)
        images.append(finished(render(look(head), resolution), grey))
        labels.append(head.labels())
    return np.stack(images), np.stack(labels)
