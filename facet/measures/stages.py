"""The measures of a progressively grown coder at the end of every stage: the trade-off in the title of JacSup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from facet.judge import Judge
from facet.measures.jacobians import jacobian_error
from facet.measures.pixels import PixelError
from facet.measures.run import plain
from facet.measures.swaps import swaps_ok
from facet.protocols import Coder, Data, Staged, StagedCoder

BATCH = 500
SPECIFIED = 2  # k, the units that the first teacher discovers and that are swapped
GRID, REACH = 15, 2.0  # points per side and extent of the grid over the first two units
DISCOVERED, DIGITS, STEPS = 4, 3, 11  # units, digits and values of Figure 2


def measure_stages(
    model: Staged, stages: list[Path], data: Data, judge: Judge, split: str, seed: int
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Measure a coder at the end of every stage.

    Args:
        model: the coder.
        stages: files of its stages, from the narrowest.
        data: images with classes.
        judge: of the classes.
        split: usually ``test``.
        seed: of the pairs of images.

    Returns:
        ``{"stages": [...]}``, where each stage has ``code_size``, ``mse``, ``swaps`` with their ``ceiling``, and the
        Jacobian errors against the stage before (``previous``) and the first stage (``original``); and pictures as
        uint8 (:func:`_pictures`).
    """
    images, _ = data.tensors(split)
    shown = images[: 40 * DIGITS]
    measured: list[dict[str, Any]] = []
    pictures: dict[str, np.ndarray] = {}
    first: tuple[StagedCoder, Tensor] | None = None
    previous = first
    for i, stage in enumerate(track(stages, f"judging {split}", console=Console(stderr=True), transient=True)):
        coder = model.at_stage(stage)
        codes = _codes(coder, images)
        measures: dict[str, Any] = {"code_size": codes.shape[1], "mse": _mse(coder, codes, images)}
        swaps = swaps_ok(coder, images, judge, SPECIFIED, seed)
        measures |= {"swaps": swaps.ok.as_dict(), "ceiling": swaps.ceiling.as_dict()}
        for name, teacher in (("previous", previous), ("original", first)):
            if teacher is not None:
                units = SPECIFIED if name == "original" else teacher[1].shape[1]
                measures[name] = {
                    kind: jacobian_error(
                        coder.decode, teacher[0].decode, codes, teacher[1], units, kind, seed
                    ).as_dict()
                    for kind in ("data", "canonical")
                }
        previous = coder, codes
        first = first or previous
        measured.append(measures)
        pictures |= _pictures(coder, codes, shown, judge, i, last=i == len(stages) - 1)
    plainly: dict[str, Any] = plain({"stages": measured})
    return plainly, pictures


@torch.inference_mode()
def _codes(coder: Coder, images: Tensor) -> Tensor:
    return torch.cat([coder.codes(batch.float() / 255) for batch in torch.split(images, BATCH)]).clone()


@torch.inference_mode()
def _mse(coder: Coder, codes: Tensor, images: Tensor) -> dict[str, float]:
    error = PixelError()
    for batch, code in zip(torch.split(images, BATCH), torch.split(codes, BATCH), strict=True):
        error.update(coder.decode_codes(code), batch.float() / 255)
    plain: dict[str, float] = error.compute().as_dict()
    return plain


@torch.inference_mode()
def _pictures(
    coder: Coder, codes: Tensor, shown: Tensor, judge: Judge, stage: int, last: bool
) -> dict[str, np.ndarray]:
    """``grid<size>`` and ``classes<size>`` of the first and last stage; ``unit<size>`` of the stages 1 to 4."""
    size = codes.shape[1]
    pictures = {}
    if stage == 0 or last:
        axis = torch.linspace(-REACH, REACH, GRID)
        y = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1).view(-1, 2)
        grid = codes.mean(0).repeat(len(y), 1)
        grid[:, :SPECIFIED] = y
        decoded = coder.decode_codes(grid)
        pictures[f"grid{size:02d}"] = _bytes(decoded)
        pictures[f"classes{size:02d}"] = judge.classify(decoded).byte().numpy()
    if 0 < stage <= DISCOVERED:
        unit = size - 1
        low, high = torch.quantile(codes[:, unit], torch.tensor([0.02, 0.98])).tolist()
        chosen = codes[_of_different_classes(judge, shown)]
        varied = chosen.repeat_interleave(STEPS, 0)
        varied[:, unit] = torch.linspace(low, high, STEPS).repeat(len(chosen))
        pictures[f"unit{size:02d}"] = _bytes(coder.decode_codes(varied)).reshape(len(chosen), STEPS, *shown.shape[1:])
    return pictures


def _of_different_classes(judge: Judge, images: Tensor) -> Tensor:
    """Positions of the first images of the first three classes that occur; the same in every stage."""
    first: dict[int, int] = {}
    for position, digit in enumerate(judge.classify(images.float() / 255).tolist()):
        first.setdefault(digit, position)
    return torch.tensor(list(first.values())[:DIGITS])


def _bytes(images: Tensor) -> np.ndarray:
    plain: np.ndarray = (images.clamp(0, 1) * 255).round().byte().numpy()
    return plain
