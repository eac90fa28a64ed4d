"""Measures over a number in which rows differ, such as a loss weight: a line for each group of rows, a dot per seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from facet.errors import UserError
from facet.report import style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.texts import drawn_symbols
from facet.rows import Row


def render(
    page: Context,
    fact: str,
    group: str,
    panels: Sequence[Mapping[str, Any]],
    x_title: str,
    caption: str,
) -> list[Block]:
    """The figure.

    Args:
        page: what it is made from.
        fact: the name of the number among the rows' facts; its axis is logarithmic.
        group: the name of the fact that says the group of a row.
        panels: each the ``measure``, a ``title`` and, if its axis doesn't end with the data, its ``top``.
        x_title: of the axis.
        caption: below the figure.

    Raises:
        UserError: a row without these facts.
    """
    if not page.evaluated:
        return []
    for row in page.rows:
        for name in (group, fact):
            if name not in row.said.facts:
                raise UserError(f"{page.page.name}: rows.{row.key}: the fact {name} is missing")
    groups: dict[str, list[Row]] = {}
    for row in page.rows:
        groups.setdefault(row.said.facts[group], []).append(row)
    ordered = {name: sorted(rows, key=lambda row: float(row.said.facts[fact])) for name, rows in groups.items()}
    drawn = partial(_draw, ordered, fact, panels, page.texts.fill(x_title))
    return [Figure("over", drawn, page.texts.fill(caption), f"{len(panels)} measures over {x_title}")]


def _draw(
    groups: Mapping[str, Sequence[Row]],
    fact: str,
    panels: Sequence[Mapping[str, Any]],
    x_title: str,
    scheme: style.Scheme,
) -> Drawing:
    figure = Drawing(figsize=(9.4, 3.4), layout="constrained")
    for panel, ax in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
        for place, (name, rows) in enumerate(groups.items()):
            _line(ax, rows, fact, panel["measure"], place, name, scheme)
        ax.set_xscale("log")
        ax.set_xlabel(drawn_symbols(x_title))
        ax.set_title(drawn_symbols(panel["title"]))
        ax.set_ylim(0, panel.get("top"))
        ax.grid(axis="y")
        ax.tick_params(length=0, which="both")
        if any(row.spread(panel["measure"]).measure.unit == "share" for rows in groups.values() for row in rows):
            style.as_shares(ax.yaxis)
    figure.axes[0].legend(frameon=False)
    return figure


def _line(ax: Axes, rows: Sequence[Row], fact: str, measure: str, place: int, name: str, scheme: style.Scheme) -> None:
    found = [(float(row.said.facts[fact]), spread) for row in rows if (spread := row.spread(measure))]
    colour = style.colour(place, scheme)
    for x, spread in found:
        ax.plot([x] * len(spread.values), spread.values, "o", color=colour, markersize=4.2)
    means = [spread.mean for _, spread in found]
    ax.plot([x for x, _ in found], means, linestyle=style.dashes(place), color=colour, label=drawn_symbols(name))
