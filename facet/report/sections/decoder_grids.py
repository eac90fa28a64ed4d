"""What is decoded over a grid of the first two units, stage against stage, and how much of the class layout is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from facet.measures.drawn import read_examples
from facet.report import strips
from facet.report.blocks import Block, Figure, Head, Table, TableLine
from facet.report.cells import Cell
from facet.report.context import Context
from facet.report.strips import Faces
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


def render(page: Context, panels: Sequence[Mapping[str, str]], kept: str, note: str) -> list[Block]:
    """The figure, and a table of how much of the first panel's layout the others keep.

    Args:
        page: what it is made from.
        panels: each the key of a ``row``, the ``stage``, ``first`` or ``last``, and a ``title``, a template in which
            ``size`` is the code size. The first run of a row counts; rows without numbers are left out.
        kept: the head of the table's column.
        note: below the table.
    """
    rows = {row.key: row for row in page.every_row if row.evaluated}
    found = [
        (rows[panel["row"]], panel, grid)
        for panel in panels
        if panel["row"] in rows and (grid := _read(rows[panel["row"]], panel["stage"]))
    ]
    if not found or found[0][1] is not panels[0]:
        return []
    drawn = [
        (page.texts.fill(panel["title"], size=grid.size), strips.tiled(grid.pictures, math.isqrt(len(grid.pictures))))
        for _, panel, grid in found
    ]
    columns = min(2, len(drawn))
    size = 4.5 * columns, 4.75 * math.ceil(len(drawn) / columns)
    alt = "Decoded images over the first two units, one panel for each model"
    figure = Figure("grids", partial(strips.panels, drawn, columns, size), alt)
    first = found[0][2].classes
    lines = [
        TableLine(row.title, [Cell(str(grid.size)), Cell(f"{np.mean(first == grid.classes):.0%}")])
        for row, _, grid in found[1:]
        if first is not None and grid.classes is not None and first.shape == grid.classes.shape
    ]
    heads = [Head("code size"), Head(page.texts.fill(kept))]
    return [figure, Table(heads, lines, notes=[page.texts.fill(note)])] if lines else [figure]


def _read(row: Row, stage: str) -> Grid | None:
    """What the row's first run left of its first or its last stage, the narrowest or the widest."""
    arrays = read_examples(row.evaluated[0].directory)
    names = {int(name.removeprefix("grid")): name for name in arrays if name.startswith("grid")}
    if not names:
        return None
    size = (max if stage == "last" else min)(names)
    return Grid(size, arrays[names[size]], arrays.get(names[size].replace("grid", "classes")))
