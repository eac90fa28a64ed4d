"""One measure against another: a dot for each system, a line through those that no other beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.path import Path
from matplotlib.ticker import LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from facet.report import style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.lines import by_stage
from facet.report.texts import drawn_symbols
from facet.rows import Row

Point = tuple[float, float]
LINE, GAP = 15.0, 14
"""The height of a title, in pixels of a figure with 100 to the inch; how far it stands from its dot, in points."""
PLACES = [(right, level) for level, right in product((0, -1, 1, -2, 2, -3, 3, -4, 4, -5, 5, -6, 6), (True, False))]
"""Where a title may stand: right or left of its dot, and by how many lines higher; the best places first."""


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
        page: what it is made from.
        name: of the figure's files.
        x, y: the measures, a smaller x and a larger y being better.
        titles: of the axes, first of x.
        logarithmic: whether x is.
        stages: what the first and the later stages of a row are called; each has a dot.
    """
    rows = by_stage(page.rows, stages)
    points = [_points(row, x, y) for row in rows]
    if not any(points):
        return []
    drawn = partial(_draw, rows, points, titles, logarithmic)
    return [Figure(name, drawn, f"{titles[1]} over {titles[0]}, one dot for each system")]


def _points(row: Row, x: str, y: str) -> list[Point]:
    """(x, y) of every seed that has both."""
    both = [[result.number(measure, stage=row.stage) for measure in (x, y)] for result in row.evaluated]
    return [(one.value, other.value) for one, other in both if one and other]


def _draw(rows: Sequence[Row], points: Sequence[Sequence[Point]], titles: Sequence[str], log: bool) -> Drawing:
    figure = Drawing(figsize=(8.2, 4.6))
    ax: Axes = figure.subplots()
    dots: list[tuple[str, str, Point]] = []
    rivals: list[Point] = []
    for i, (row, seeds) in enumerate(zip(rows, points, strict=True)):
        if not seeds:
            continue
        colour = f"C{i}"
        x, y = (sum(values) / len(seeds) for values in zip(*seeds, strict=True))
        if len(seeds) > 1:
            ax.plot(*zip(*seeds, strict=True), "o", color=colour, markersize=3, alpha=0.45)
        face = colour if row.interpretable else style.paper()
        ax.plot(x, y, "o", color=colour, markerfacecolor=face, markersize=7)
        dots.append((row.title, colour, (x, y)))
        rivals += [(x, y)] if row.interpretable else []
    if len(best := front(rivals)) > 1:
        ax.plot(*zip(*best, strict=True), color=style.ink(), linewidth=0.8, alpha=0.5, zorder=0)
    if log:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set(xlabel=drawn_symbols(titles[0]), ylabel=drawn_symbols(titles[1]))
    style.as_shares(ax.yaxis)
    ax.grid()
    ax.margins(0.12)
    _name(figure, ax, dots)
    return figure


def _name(figure: Drawing, ax: Axes, dots: Sequence[tuple[str, str, Point]]) -> None:
    """Put every title near its dot; a line leads to it from a dot that it doesn't stand beside."""
    figure.draw_without_rendering()  # so that it is known where the dots lie
    where: Any = [ax.transData.transform(point) for *_, point in dots]
    look: Any = {"textcoords": "offset points", "fontsize": 8, "va": "center"}
    titles = [ax.annotate(drawn_symbols(title), point, (0, 0), **look) for title, _, point in dots]
    chosen = places(where, [title.get_window_extent().width for title in titles], ax.bbox)
    for text, (title, colour, point), (right, level) in zip(titles, dots, chosen, strict=True):
        text.remove()
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.7, "relpos": (0 if right else 1, 0.5)}
        offset = (GAP if level else 7) * (1 if right else -1), level * LINE * 72 / 100
        look |= {"ha": "left" if right else "right", "arrowprops": line if level else None}
        ax.annotate(drawn_symbols(title), point, offset, **look).set_in_layout(False)


def places(dots: Sequence[Point], widths: Sequence[float], inside: Bbox) -> list[tuple[bool, int]]:
    """Where titles stand: (right of the dot, lines above it), so that they cover neither one another nor dots.

    Args:
        dots: in pixels, as all else here.
        widths: of the titles.
        inside: what they may not leave. As few as possible are crossed by the line of another dot to its title.
    """
    marks = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in dots]
    boxes: list[Bbox] = []
    lines: list[Path] = []
    found = []
    for (x, y), width, mark in zip(dots, widths, marks, strict=True):
        taken = [*boxes, *(each for each in marks if each.bounds != mark.bounds)]
        tried = []
        for order, (right, level) in enumerate(PLACES):
            edge = x + (1 if right else -1) * (GAP if level else 7) * 100 / 72
            box = Bbox.from_bounds(edge if right else edge - width, y + (level - 0.5) * LINE, width, LINE)
            line = Path([(x, y), (edge, y + level * LINE)])
            leaves = not (inside.contains(*box.min) and inside.contains(*box.max))
            crossed = sum(line.intersects_bbox(one) for one in boxes) + sum(one.intersects_bbox(box) for one in lines)
            tried.append((leaves, box.count_overlaps(taken), crossed, order, box, line))
        *_, order, box, line = min(tried, key=lambda each: each[:4])
        boxes.append(box)
        lines.append(line)
        found.append(PLACES[order])
    return found


def front(points: Sequence[Point]) -> list[Point]:
    """Those of which no other has a smaller (or the same) x and a larger y, in the order of x."""
    found: list[Point] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if not found or y > found[-1][1]:
            found.append((x, y))
    return found
