"""A measure of every attribute: a dot and an interval for each row and seed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matplotlib.figure import Figure as Drawing

from facet.report import style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.texts import drawn_symbols
from facet.rows import Row, shared


def render(page: Context, measure: str) -> list[Block]:
    """The figure, of the attributes of which every row has the measure.

    Args:
        page: what it is made from.
        measure: a share.
    """
    names = shared(page.evaluated, measure)
    alt = f"{measure.replace('_', ' ').capitalize()} of every attribute, row by row, with 95% intervals"
    return [Figure(measure, partial(_draw, page.rows, measure, names), alt)] if names else []


def _draw(rows: Sequence[Row], measure: str, names: Sequence[str]) -> Drawing:
    figure = Drawing(figsize=(9.4, 1.1 + 0.42 * len(names)))
    ax = figure.subplots()
    for i, row in enumerate(rows):
        above = 0.16 * (i - (len(rows) - 1) / 2)
        found = [
            (number, place + above)
            for place, name in enumerate(names)
            for result in row.evaluated
            if (number := result.number(measure, name))
        ]
        style.dots(ax, found, f"C{i}", markersize=4)
        ax.plot([], [], "o-", color=f"C{i}", markersize=4, label=drawn_symbols(row.title))
    ax.set_yticks(range(len(names)), [drawn_symbols(name.replace("_", " ")) for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    style.as_shares(ax.xaxis)
    ax.grid(axis="x")
    figure.legend(loc="outside lower center", ncols=2)
    return figure
