"""What is decoded over a grid of the first two units, stage against stage, and how much of the class layout is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure as Drawing

from facet.measures.drawn import read_examples
from facet.report import strips, style
from facet.report.blocks import Block, Figure, Head, Table, TableLine
from facet.report.cells import Cell
from facet.report.context import Context
from facet.report.strips import Faces
from facet.report.texts import drawn_symbols
from facet.rows import Row


class Grid(NamedTuple):
    """What a run decodes over the grid at the end of a stage.

    Attributes:
        size: of the code.
        pictures: ``[n², 1, h, w]``.
        classes: that the judge reads, ``[n²]``, or None.
    """

    size: int
    pictures: Faces
    classes: Faces | None


def render(page: Context, panels: Sequence[Mapping[str, str]], caption: str, kept: str, note: str) -> list[Block]:
    """The figure, and a table of how much of the first panel's layout the others keep.

    Args:
        page: what it is made from.
        panels: each the key of a ``row``, the ``stage``, ``first`` or ``last``, and a ``title``, a template in which
            ``size`` is the code size. The first run of a row counts; rows without numbers are left out.
        caption: below the figure.
        kept: the head of the table's column.
        note: below the table.
    """
    by_key = {row.key: row for row in page.every_row if row.evaluated}
    found = [
        (by_key[panel["row"]], panel, grid)
        for panel in panels
        if panel["row"] in by_key and (grid := _read(by_key[panel["row"]], panel["stage"] == "last"))
    ]
    if not found or found[0][1] is not panels[0]:
        return []
    drawn = [(page.texts.fill(panel["title"], size=grid.size), grid.pictures) for _, panel, grid in found]
    alt = "Decoded images over the first two units, one panel for each model"
    blocks: list[Block] = [Figure("grids", partial(_draw, drawn), page.texts.fill(caption), alt)]
    first = found[0][2].classes
    lines = [
        TableLine(row.title, [Cell(str(grid.size)), Cell(f"{np.mean(first == grid.classes):.0%}")])
        for row, _, grid in found[1:]
        if first is not None and grid.classes is not None and first.shape == grid.classes.shape
    ]
    heads = [Head("code size"), Head(page.texts.fill(kept))]
    return [*blocks, Table(heads, lines, notes=[page.texts.fill(note)])] if lines else blocks


def _read(row: Row, last: bool) -> Grid | None:
    """What the row's first run left of its first or its last stage."""
    arrays = read_examples(row.evaluated[0].directory)
    sizes = [int(name.removeprefix("grid")) for name in arrays if name.startswith("grid")]
    if not sizes:
        return None
    size = max(sizes) if last else min(sizes)
    name = next(name for name in arrays if name.startswith("grid") and int(name.removeprefix("grid")) == size)
    return Grid(size, arrays[name], arrays.get(name.replace("grid", "classes")))


def _draw(panels: Sequence[tuple[str, Faces]], scheme: style.Scheme) -> Drawing:
    columns, lines = min(2, len(panels)), math.ceil(len(panels) / 2)
    figure = Drawing(figsize=(4.5 * columns, 4.75 * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for ax in axes:
        ax.axis("off")
    for ax, (title, pictures) in zip(axes, panels, strict=False):
        ax.imshow(strips.tiled(pictures, math.isqrt(len(pictures))), cmap="gray", vmin=0, vmax=255)
        ax.set_title(drawn_symbols(title))
    return figure
