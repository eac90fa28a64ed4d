"""Two measures against each other, stage by stage: a line for each row, its ceilings, and the published curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from facet.report import style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.texts import drawn_symbols
from facet.results import Result
from facet.rows import Row

SIZE = "code_size"


def render(
    page: Context,
    x: str,
    y: str,
    x_title: str,
    y_title: str,
    caption: str,
    ceiling: str = "",
    ceiling_title: str = "ceiling",
    named: Sequence[int] = (),
) -> list[Block]:
    """The figure.

    Args:
        page: what it is made from.
        x, y: the measures; y lies in [0, 1].
        x_title, y_title: of the axes.
        caption: below the figure.
        ceiling: the measure that y can't exceed, if there is one.
        ceiling_title: what it is called.
        named: the code sizes that stand at their points.
    """
    rows = [row for row in page.every_row if row.stages]
    if not rows:
        return []

    def draw(scheme: style.Scheme) -> Drawing:
        figure = Drawing(figsize=(9.4, 5.6), layout="constrained")
        ax: Axes = figure.subplots()
        for row in rows:
            _row(ax, row, (x, y, ceiling), named, page.place(row), scheme)
        if ceiling:
            ax.plot([], [], "_", color=style.INK[scheme][0], markersize=6, alpha=0.6, label=ceiling_title)
        if page.page.curve:
            _published(ax, page.page.curve, scheme)
        ax.set_xlabel(x_title)
        ax.set_ylabel(y_title)
        ax.set_ylim(-0.02, 1.04)
        ax.grid()
        ax.tick_params(length=0)
        ax.legend(frameon=False, loc="lower right", fontsize=8)
        return figure

    return [Figure("tradeoff", draw, page.texts.fill(caption), f"{y_title} over {x_title}, one line for each row")]


def _row(
    ax: Axes, row: Row, measures: tuple[str, str, str], named: Sequence[int], place: int, scheme: style.Scheme
) -> None:
    """A line with intervals; of several seeds thin lines, and their mean in front."""
    x, y, ceiling = measures
    colour, dash = style.colour(place, scheme), style.dashes(place)
    runs = [_by_size(result, x, y) for result in row.evaluated]
    sizes = [size for size in runs[0] if all(size in run for run in runs)]
    means = [(fmean(run[size][0] for run in runs), fmean(run[size][1] for run in runs)) for size in sizes]
    if len(runs) > 1:
        for run in runs:
            ax.plot(*zip(*run.values(), strict=True), linestyle=dash, color=colour, linewidth=0.7, alpha=0.55)
    else:
        _intervals(ax, row.evaluated[0], x, y, colour)
    look: Mapping[str, Any] = {"markersize": 3.4, "linewidth": 1.5, "label": drawn_symbols(row.title)}
    ax.plot(*zip(*means, strict=True), "o", linestyle=dash, color=colour, **look)
    for size, point in zip(sizes, means, strict=True):
        if size in named:
            ax.annotate(f"{size:.0f}", point, (4, 5), textcoords="offset points", fontsize=8, color=colour)
    for result in row.evaluated if ceiling else ():
        if ceilings := _by_size(result, x, ceiling):
            ax.plot(*zip(*ceilings.values(), strict=True), "_", color=colour, markersize=6, alpha=0.6)


def _by_size(result: Result, x: str, y: str) -> dict[float, tuple[float, float]]:
    """(x, y) of every stage that has both, by code size."""
    found = {}
    for stage in range(result.stages):
        values = [result.value(name, stage=stage) for name in (SIZE, x, y)]
        if values[0] is not None and values[1] is not None and values[2] is not None:
            found[values[0]] = values[1], values[2]
    return found


def _intervals(ax: Axes, result: Result, x: str, y: str, colour: str) -> None:
    for stage in range(result.stages):
        across, up = (result.number(name, stage=stage) for name in (x, y))
        if across and up and up.low is not None and up.high is not None:
            ax.plot([across.value] * 2, [up.low, up.high], color=colour, linewidth=0.9)


def _published(ax: Axes, curve: Mapping[str, Any], scheme: style.Scheme) -> None:
    ink, _, paper = style.INK[scheme]
    look: Mapping[str, Any] = {"color": ink, "alpha": 0.6, "markerfacecolor": paper, "markersize": 4, "linewidth": 0.8}
    points = [(x, y) for _, x, y in curve["points"]]
    ax.plot(*zip(*points, strict=True), "s-", label=f"published: {drawn_symbols(curve['title'])}", **look)
