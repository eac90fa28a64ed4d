"""One measure against another: a dot for each system, a line through those that no other beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from statistics import fmean

from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import LogLocator, NullFormatter

from facet.report import style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.lines import by_stage
from facet.report.texts import drawn_symbols
from facet.rows import Row

Point = tuple[float, float]
MARKERS = "osD^v"
"""Fewer than there are colours, so that no two of 30 systems look the same."""


def render(
    page: Context,
    name: str,
    x: str,
    y: str,
    titles: Sequence[str],
    logarithmic: bool = False,
    stages: Sequence[str] = ("first stage", "later stage"),
) -> list[Block]:
    """The figure.

    Args:
        name: of the figure's files.
        x, y: the measures, a smaller x and a larger y being better.
        titles: of the axes, first of x.
        logarithmic: whether x is.
        stages: what the first and the later stages of a row are called; each has a dot.
    """
    rows = by_stage(page.rows, stages)
    points = [_points(row, x, y) for row in rows]
    alt = f"{titles[1]} over {titles[0]}, one dot for each system"
    return [Figure(name, partial(_draw, rows, points, titles, logarithmic), alt)] if any(points) else []


def _points(row: Row, x: str, y: str) -> list[Point]:
    """(x, y) of every seed that has both."""
    both = [[result.number(measure, stage=row.stage) for measure in (x, y)] for result in row.evaluated]
    return [(one.value, other.value) for one, other in both if one and other]


def _draw(rows: Sequence[Row], points: Sequence[Sequence[Point]], titles: Sequence[str], log: bool) -> Drawing:
    figure = Drawing(figsize=(9.4, 4.6))
    ax = figure.subplots()
    rivals: list[Point] = []
    for i, (row, seeds) in enumerate(zip(rows, points, strict=True)):
        if not seeds:
            continue
        x, y = map(fmean, zip(*seeds, strict=True))
        colour, marker = f"C{i}", MARKERS[i % len(MARKERS)]
        if len(seeds) > 1:
            ax.plot(*zip(*seeds, strict=True), marker, color=colour, markersize=3, alpha=0.45)
        face = colour if row.interpretable else style.colour("paper")
        ax.plot(x, y, marker, color=colour, markerfacecolor=face, markersize=7, label=drawn_symbols(row.title))
        rivals += [(x, y)] if row.interpretable else []
    if len(best := front(rivals)) > 1:
        ax.plot(*zip(*best, strict=True), color=style.colour("ink"), linewidth=0.8, alpha=0.5, zorder=0)
    if log:
        ax.set_xscale("log")
        ticks = LogLocator(subs=(1, 2, 5))
        ax.xaxis.set(major_locator=ticks, major_formatter="{x:g}", minor_formatter=NullFormatter())
    ax.set(xlabel=drawn_symbols(titles[0]), ylabel=drawn_symbols(titles[1]))
    style.as_shares(ax.yaxis)
    ax.grid()
    ax.margins(0.06)
    figure.legend(loc="outside right upper", fontsize=8)
    return figure


def front(points: Sequence[Point]) -> list[Point]:
    """Those of which no other has a smaller (or the same) x and a larger y, in the order of x."""
    found: list[Point] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if not found or y > found[-1][1]:
            found.append((x, y))
    return found
