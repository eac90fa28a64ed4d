"""Figures of progressively grown coders: decoder grids, traversals, curves with growth moments, the trade-off."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from facet.metrics import rows
from facet.report.examples import read_examples
from facet.report.figures import COLOURS, DASHES, INK, Scheme
from facet.report.growth_results import Stage, stages_of
from facet.report.published import PublishedCurve
from facet.report.results import Result, Row

Pictures = NDArray[np.uint8]
NAMED = (2, 4, 8, 16)
"""Code sizes that are named in the trade-off."""
ENLARGED, FRAME = 3, 90  # of a traversal's digits; milliseconds a frame


def read_pictures(directory: Path) -> dict[str, Pictures]:
    """What ``facet-evaluate`` drew of a run, by name; empty where there is nothing."""
    return read_examples(directory)


def by_epoch(directory: Path) -> dict[str, list[tuple[int, float]]]:
    """What a run logged once an epoch, by name: (epoch, value)."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for row in rows(directory / "metrics.csv"):
        for name in ("val/mse", "val/difference", "val/edits", "code_size"):
            if name in row and "epoch" in row:
                curves.setdefault(name, []).append((int(float(row["epoch"])), float(row[name])))
    return curves


def tiled(pictures: Pictures, columns: int) -> Pictures:
    """``[N, 1, h, w]`` as one picture, row by row; dark ink on light paper."""
    n, _, height, width = pictures.shape
    rows = n // columns
    grid = pictures[: rows * columns, 0].reshape(rows, columns, height, width).transpose(0, 2, 1, 3)
    inverted: Pictures = 255 - grid.reshape(rows * height, columns * width)
    return inverted


def decoder_grids(panels: Sequence[tuple[str, Pictures]], scheme: Scheme) -> Figure:
    """Figure 1 (a) to (c): what is decoded over a grid of the first two units."""
    figure = Figure(figsize=(4.5 * min(2, len(panels)), 4.75 * math.ceil(len(panels) / 2)), layout="constrained")
    axes = figure.subplots(math.ceil(len(panels) / 2), min(2, len(panels)), squeeze=False).ravel()
    for ax in axes:
        ax.axis("off")
    for ax, (title, pictures) in zip(axes, panels, strict=False):
        ax.imshow(tiled(pictures, math.isqrt(len(pictures))), cmap="gray", vmin=0, vmax=255)
        ax.set_title(title)
    return figure


def learning_curves(result: Result, scheme: Scheme) -> Figure:
    """Figure 1 (d): error and Jacobian loss of the watched split, growth moments as vertical bars."""
    curves = by_epoch(result.directory)
    # between two epochs: the first validation of the wider code may come epochs later
    grown = [before[0] + 0.5 for before, after in pairwise(curves.get("code_size", [])) if after[1] > before[1]]
    titles = {"val/mse": "reconstruction, MSE", "val/difference": "Jacobian loss, eq. 9"}
    titles = {name: title for name, title in titles.items() if name in curves}
    figure = Figure(figsize=(9.4, 3.4), layout="constrained")
    axes: Any = figure.subplots(1, max(1, len(titles)), squeeze=False)[0]
    for ax, (name, title) in zip(axes, titles.items(), strict=False):
        for moment in grown:
            ax.axvline(moment, color=INK[scheme][1], linewidth=1)
        if points := curves.get(name):
            ax.semilogy(*zip(*points, strict=True), color=COLOURS[scheme][0], linewidth=1.3)
        ax.set_title(title)
        ax.set_xlabel("epoch")
    return figure


def traversals(pictures: dict[str, Pictures], scheme: Scheme) -> Figure:
    """Figure 2: each new unit varied for the same digits, a row per digit."""
    units = sorted(name for name in pictures if name.startswith("unit"))
    figure = Figure(figsize=(9.4, 1.05 + 2.35 * len(units)), layout="constrained")
    axes = figure.subplots(len(units), 1, squeeze=False)[:, 0]
    for i, (ax, name) in enumerate(zip(axes, units, strict=True), start=1):
        digits, steps, *shape = pictures[name].shape
        ax.imshow(tiled(pictures[name].reshape(digits * steps, *shape), steps), cmap="gray", vmin=0, vmax=255)
        ax.set_title(f"d = {i}: the unit that the {_ordinal(i)} growth opened")
        ax.axis("off")
    return figure


def animation(pictures: dict[str, Pictures]) -> bytes:
    """The traversals moving there and back, as an animated WebP: a column per unit, a row per digit."""
    units = [pictures[name] for name in sorted(pictures) if name.startswith("unit")]
    steps = units[0].shape[1]
    frames = []
    for step in [*range(steps), *range(steps - 2, 0, -1)]:
        columns = np.stack([unit[:, step] for unit in units], axis=1)  # [digits, units, 1, h, w]
        digits, count, *shape = columns.shape
        plain = tiled(columns.reshape(digits * count, *shape), count)
        frames.append(Image.fromarray(plain).resize((plain.shape[1] * ENLARGED, plain.shape[0] * ENLARGED)))
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], duration=FRAME, loop=0, lossless=True)
    return buffer.getvalue()


def tradeoff(rows: Sequence[Row], published: PublishedCurve, scheme: Scheme) -> Figure:
    """MSE against swaps ok, from the narrowest code to the widest; up and left is better.

    A line per run with its intervals; where there are several seeds, thin lines, and their mean in front. Above it a
    dash for the ceiling; and what is published.
    """
    figure = Figure(figsize=(9.4, 5.6), layout="constrained")
    ax: Axes = figure.subplots()
    for place, row in enumerate(rows):
        colour, dash = COLOURS[scheme][place], DASHES[place]
        runs = [{s.code_size: (s.mse, s.swaps.value) for s in stages_of(result)} for result in row.evaluated]
        if not runs:
            continue
        sizes = [size for size in runs[0] if all(size in run for run in runs)]
        means = [
            tuple(sum(values) / len(runs) for values in zip(*(run[size] for run in runs), strict=True))
            for size in sizes
        ]
        if len(runs) > 1:
            for run in runs:
                ax.plot(*zip(*run.values(), strict=True), linestyle=dash, color=colour, linewidth=0.7, alpha=0.55)
        else:
            _intervals(ax, stages_of(row.evaluated[0]), colour)
        ax.plot(
            *zip(*means, strict=True), "o", linestyle=dash, color=colour, markersize=3.4, linewidth=1.5, label=row.title
        )
        for size, point in zip(sizes, means, strict=True):
            if size in NAMED:
                ax.annotate(str(size), point, (4, 5), textcoords="offset points", fontsize=8, color=colour)
        for result in row.evaluated:
            ceilings = [(s.mse, s.ceiling) for s in stages_of(result)]
            ax.plot(*zip(*ceilings, strict=True), "_", color=colour, markersize=6, alpha=0.6)
    ax.plot([], [], "_", color=INK[scheme][0], markersize=6, alpha=0.6, label="ceiling of a line")
    _published(ax, published, scheme)
    ax.set_xlabel("MSE, test split")
    ax.set_ylabel("swaps ok")
    ax.set_ylim(-0.02, 1.02)
    ax.grid()
    ax.legend(frameon=False, loc="lower right")
    return figure


def _published(ax: Axes, curve: PublishedCurve, scheme: Scheme) -> None:
    ink, points = INK[scheme][0], [(mse, ok) for _, mse, ok in curve.points]
    face = INK[scheme][2]
    style: dict[str, Any] = {"color": ink, "alpha": 0.6, "markerfacecolor": face, "markersize": 4, "linewidth": 0.8}
    ax.plot(*zip(*points, strict=True), "s-", label=f"published: {curve.title}", **style)


def _intervals(ax: Axes, stages: Sequence[Stage], colour: str) -> None:
    for stage in stages:
        low, high = stage.swaps.value - stage.swaps.low, stage.swaps.high - stage.swaps.value
        ax.errorbar(stage.mse, stage.swaps.value, yerr=[[low], [high]], fmt="none", color=colour, linewidth=0.9)


def _ordinal(i: int) -> str:
    return {1: "first", 2: "second", 3: "third", 4: "fourth"}.get(i, f"{i}th")
