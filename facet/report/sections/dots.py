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


def render(page: Context, measure: str, caption: str) -> list[Block]:
    """The figure, of the attributes of which every row has the measure.

    Args:
        page: what it is made from.
        measure: a share.
        caption: below the figure.
    """
    names = shared(page.evaluated, measure)
    drawn = partial(_draw, page.rows, measure, names)
    alt = f"{measure.replace('_', ' ').capitalize()} of every attribute, row by row, with 95% intervals"
    return [Figure(measure, drawn, page.texts.fill(caption), alt)] if names else []


def _draw(rows: Sequence[Row], measure: str, names: Sequence[str], scheme: style.Scheme) -> Drawing:
    figure = Drawing(figsize=(9.4, 1.1 + 0.42 * len(names)), layout="constrained")
    ax = figure.subplots()
    for i, row in enumerate(rows):
        colour = style.colour(i, scheme)
        for place, name in enumerate(names):
            y = place + 0.16 * (i - (len(rows) - 1) / 2)
            for rate in (result.number(measure, name) for result in row.evaluated):
                if rate is None:
                    continue
                if rate.low is not None and rate.high is not None:
                    ax.plot((rate.low, rate.high), (y, y), color=colour, linewidth=2, solid_capstyle="butt")
                ax.plot(rate.value, y, "o", color=colour, markersize=4)
        ax.plot([], [], "o-", color=colour, markersize=4, label=drawn_symbols(row.title))
    ax.set_yticks(range(len(names)), [drawn_symbols(name.replace("_", " ")) for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    style.as_shares(ax.xaxis)
    ax.grid(axis="x")
    ax.tick_params(length=0)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure
