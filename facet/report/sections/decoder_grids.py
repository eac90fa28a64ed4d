"""What is decoded over a grid of the first two units, stage against stage, and how much of the class layout is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from facet.measures.drawn import read_examples
from facet.report import strips
from facet.report.blocks import Block, Figure, Head, Table, TableLine
from facet.report.cells import Cell
from facet.report.context import Context


def render(page: Context, panels: Sequence[Mapping[str, str]], kept: str, note: str) -> list[Block]:
    """The figure, and a table of how much of the first panel's layout the others keep.

    Args:
        panels: each the key of a ``row``, the ``stage``, ``first`` or ``last``, and a ``title``, a template in which
            ``size`` is the code size. The first run of a row counts; rows without numbers are left out.
        kept: the head of the table's column.
        note: below the table.
    """
    rows = {row.key: row for row in page.every_row if row.evaluated}
    drawn, lines, first = [], [], None
    for panel in panels:
        row = rows.get(panel["row"])
        arrays = read_examples(row.evaluated[0].directory) if row else {}
        sizes = [name.removeprefix("grid") for name in arrays if name.startswith("grid")]
        if row and sizes:
            size = (max if panel["stage"] == "last" else min)(sizes, key=int)  # the widest or the narrowest
            grid, classes = arrays[f"grid{size}"], arrays.get(f"classes{size}")
            if panel is panels[0]:
                first = classes
            elif first is not None and classes is not None and first.shape == classes.shape:
                lines.append(TableLine(row.title, [Cell(str(int(size))), Cell(f"{np.mean(first == classes):.0%}")]))
            drawn.append((page.texts.fill(panel["title"], size=int(size)), strips.tiled(grid, math.isqrt(len(grid)))))
        elif panel is panels[0]:
            return []
    columns = min(2, len(drawn))
    inches = 4.5 * columns, 4.75 * math.ceil(len(drawn) / columns)
    alt = "Decoded images over the first two units, one panel for each model"
    figure = Figure("grids", partial(strips.panels, drawn, columns, inches), alt)
    heads = [Head("code size"), Head(page.texts.fill(kept))]
    return [figure, Table(heads, lines, notes=[page.texts.fill(note)])] if lines else [figure]
