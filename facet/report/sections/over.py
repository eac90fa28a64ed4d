"""Measures over another measure, stage by stage, or over a number in which rows differ: a line each, and its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from facet.errors import UserError
from facet.measures.registry import MEASURES
from facet.report import style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.texts import drawn_symbols
from facet.rows import Row

Points = Sequence[tuple[Sequence[float], Row]]
"""Where the seeds of a row, as it was at a stage, stand along the axis, and the row."""


def render(
    page: Context,
    panels: Sequence[Mapping[str, Any]],
    x_title: str,
    x: str = "",
    fact: str = "",
    group: str = "",
    named: Sequence[int] = (),
    name: str = "over",
) -> list[Block]:
    """The figure.

    Args:
        panels: each the ``measure``, a ``title``, if its axis doesn't end with the data, its ``top``, and if the
            measure can't exceed another one, that one as ``ceiling`` and its ``ceiling_title``.
        x_title: of the axis.
        x: the measure along it; a line is a row, a point one of its stages.
        fact: or the name of a number among the rows' facts; the axis is logarithmic unless one is 0, a point is a row.
        group: the name of the fact that says to which line the row belongs.
        named: the code sizes that stand at their points.
        name: of the figure's files.

    Raises:
        UserError: a row without these facts.
    """
    lines: dict[str, list[Row]] = {}
    for row in page.every_row if x else page.rows:
        for needed in () if x else (group, fact):
            if needed not in row.said.facts:
                raise UserError(f"{page.page.name}: rows.{row.key}: the fact {needed} is missing")
        points = [row.at(stage) for stage in range(row.stages)] if x else [row]
        lines.setdefault(row.title if x else row.said.facts[group], []).extend(points)

    def across(point: Row) -> tuple[float, ...]:  # where each seed of a point stands
        return point.spread(x).values if x else (float(point.said.facts[fact]),) * len(point.evaluated)

    def draw() -> Drawing:
        linear = bool(x) or any(float(row.said.facts[fact]) <= 0 for row in page.rows)
        figure = Drawing(figsize=(9.4, 5.6 if len(panels) == 1 else 3.4))
        for panel, ax in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
            for place, (title, points) in enumerate(lines.items()):
                known = sorted([(xs, p) for p in points if (xs := across(p))], key=lambda each: () if x else each[0])
                _line(ax, known, panel, style.look(place) | {"label": drawn_symbols(title)}, named)
            if "ceiling" in panel:
                ax.plot([], [], "_", color=style.colour("ink"), markersize=6, alpha=0.6, label=panel["ceiling_title"])
            if page.page.curve:
                places = zip(*(point for _, *point in page.page.curve["points"]), strict=True)
                label = f"published: {drawn_symbols(page.page.curve['title'])}"
                ax.plot(*places, linewidth=0.8, label=label, **style.published())
            ax.set(xlabel=drawn_symbols(page.texts.fill(x_title)), title=drawn_symbols(panel["title"]))
            ax.set(xscale="linear" if linear else "log", ylim=(0, panel.get("top")))
            ax.grid(axis="both" if x else "y")
            if MEASURES[panel["measure"]].unit == "share":
                style.as_shares(ax.yaxis)
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
        return figure

    drawn = any(row.evaluated for points in lines.values() for row in points)
    return [Figure(name, draw, f"{', '.join(panel['title'] for panel in panels)} over {x_title}")] if drawn else []


def _line(ax: Axes, points: Points, panel: Mapping[str, Any], look: Mapping[str, Any], named: Sequence[int]) -> None:
    """A line through the means; of several seeds a dot each, of a single one its interval."""
    colour, means = look["color"], []
    for xs, point in points:
        if len(xs) != len((found := point.spread(panel["measure"])).values):
            continue
        means.append((fmean(xs), found.mean))
        if len(xs) > 1:
            ax.plot(xs, found.values, "o", color=colour, markersize=3, alpha=0.55)
        elif found.low is not None and found.high is not None:
            ax.plot([*xs, *xs], [found.low, found.high], color=colour, linewidth=0.9)
        if (size := point.spread("code_size")) and size.mean in named:
            ax.annotate(f"{size.mean:.0f}", means[-1], (4, 5), textcoords="offset points", fontsize=8, color=colour)
        if "ceiling" in panel and len(most := point.spread(panel["ceiling"]).values) == len(xs):
            ax.plot(xs, most, "_", color=colour, markersize=6, alpha=0.6)
    if means:
        ax.plot(*zip(*means, strict=True), marker="o", markersize=3.8, **look)
