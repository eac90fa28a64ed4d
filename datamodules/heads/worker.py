"""Ranges of heads, drawn by worker processes, which must not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from datamodules.heads.drawing import render
from datamodules.heads.factors import TABLE, draw_head, look


def draw_run(
    start: int,
    stop: int,
    split: str,
    resolution: int,
    changes: Mapping[str, bool] | str | None = None,
    **settings: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a range of positions of a split; as :func:`datamodules.avatar_drawing.draw_run`."""
    images, labels = [], []
    for index in range(start, stop):
        head = draw_head(split=split, index=index, **settings)
        asked = {changes: not head.labels()[TABLE.names.index(changes)]} if isinstance(changes, str) else changes or {}
        for name, value in asked.items():
            head = head.changed(name, value)
        images.append(render(look(head), resolution))
        labels.append(head.labels())
    return np.stack(images), np.stack(labels)
