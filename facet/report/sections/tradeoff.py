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
    ceiling: str = "",
    ceiling_title: str = "ceiling",
    named: Sequence[int] = (),
) -> list[Block]:
    """The figure.

    Args:
        page: what it is made from.
        x, y: the measures; y lies in [0, 1].
        x_title, y_title: of the axes.
        ceiling: the measure that y can't exceed, if there is one.
        ceiling_title: what it is called.
        named: the code sizes that stand at their points.
    """
    rows = {place: row for place, row in enumerate(page.every_row) if row.stages}

    def draw() -> Drawing:
        figure = Drawing(figsize=(9.4, 5.6))
        ax: Axes = figure.subplots()
        for place, row in rows.items():
            _row(ax, row, (x, y, ceiling), named, place)
        if ceiling:
            ax.plot([], [], "_", color=style.ink(), markersize=6, alpha=0.6, label=ceiling_title)
        if page.page.curve:
            _published(ax, page.page.curve)
        ax.set(xlabel=x_title, ylabel=y_title, ylim=(-0.02, 1.04))
        ax.grid()
        ax.legend(loc="lower right", fontsize=8)
        return figure

    return [Figure("tradeoff", draw, f"{y_title} over {x_title}, one line for each row")] if rows else []


def _row(ax: Axes, row: Row, measures: tuple[str, str, str], named: Sequence[int], place: int) -> None:
    """A line with intervals; of several seeds thin lines, and their mean in front."""
    x, y, ceiling = measures
    look = style.look(place)
    runs = [_by_size(result, x, y) for result in row.evaluated]
    sizes = [size for size in runs[0] if all(size in run for run in runs)]
    means = [(fmean(run[size][0] for run in runs), fmean(run[size][1] for run in runs)) for size in sizes]
    if len(runs) > 1:
        for run in runs:
            ax.plot(*zip(*run.values(), strict=True), linewidth=0.7, alpha=0.55, **look)
    else:
        _intervals(ax, row.evaluated[0], x, y, look["color"])
    title = drawn_symbols(row.title)
    ax.plot(*zip(*means, strict=True), marker="o", markersize=3.4, linewidth=1.5, label=title, **look)
    for size, point in zip(sizes, means, strict=True):
        if size in named:
            ax.annotate(f"{size:.0f}", point, (4, 5), textcoords="offset points", fontsize=8, color=look["color"])
    for result in row.evaluated if ceiling else ():
        if ceilings := _by_size(result, x, ceiling):
            ax.plot(*zip(*ceilings.values(), strict=True), "_", color=look["color"], markersize=6, alpha=0.6)


def _by_size(result: Result, x: str, y: str) -> dict[float, tuple[float, float]]:
    """(x, y) of every stage that has both, by code size."""
    stages = ([result.value(name, stage=stage) for name in (SIZE, x, y)] for stage in range(result.stages))
    return {
        size: (across, up) for size, across, up in stages if size is not None and across is not None and up is not None
    }


def _intervals(ax: Axes, result: Result, x: str, y: str, colour: str) -> None:
    for stage in range(result.stages):
        across, up = (result.number(name, stage=stage) for name in (x, y))
        if across and up and up.low is not None and up.high is not None:
            ax.plot([across.value] * 2, [up.low, up.high], color=colour, linewidth=0.9)


def _published(ax: Axes, curve: Mapping[str, Any]) -> None:
    points = [point for _, *point in curve["points"]]
    how: Any = {"color": style.ink(), "alpha": 0.6, "markerfacecolor": style.paper(), "markersize": 4, "linewidth": 0.8}
    ax.plot(*zip(*points, strict=True), "s-", label=f"published: {drawn_symbols(curve['title'])}", **how)
