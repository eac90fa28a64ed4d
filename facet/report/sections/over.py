"""Measures over a number in which rows differ, such as a loss weight: a line for each group of rows, a dot per seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.figure import Figure as Drawing

from facet.errors import UserError
from facet.measures.registry import MEASURES
from facet.report import style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.texts import drawn_symbols
from facet.rows import Row


def render(page: Context, fact: str, group: str, panels: Sequence[Mapping[str, Any]], x_title: str) -> list[Block]:
    """The figure.

    Args:
        page: what it is made from.
        fact: the name of the number among the rows' facts; its axis is logarithmic.
        group: the name of the fact that says the group of a row.
        panels: each the ``measure``, a ``title`` and, if its axis doesn't end with the data, its ``top``.
        x_title: of the axis.

    Raises:
        UserError: a row without these facts.
    """
    if not page.evaluated:
        return []
    groups: dict[str, dict[float, Row]] = {}
    for row in page.rows:
        for name in (group, fact):
            if name not in row.said.facts:
                raise UserError(f"{page.page.name}: rows.{row.key}: the fact {name} is missing")
        groups.setdefault(row.said.facts[group], {})[float(row.said.facts[fact])] = row
    drawn = partial(_draw, groups, panels, page.texts.fill(x_title))
    return [Figure("over", drawn, f"{len(panels)} measures over {x_title}")]


def _draw(groups: Mapping[str, Mapping[float, Row]], panels: Sequence[Mapping[str, Any]], x_title: str) -> Drawing:
    figure = Drawing(figsize=(9.4, 3.4))
    for panel, ax in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
        measure = panel["measure"]
        for place, (name, rows) in enumerate(groups.items()):
            found = [(x, spread) for x, row in sorted(rows.items()) if (spread := row.spread(measure))]
            for x, spread in found:
                ax.plot([x] * len(spread.values), spread.values, "o", color=f"C{place}", markersize=4.2)
            means = [spread.mean for _, spread in found]
            ax.plot([x for x, _ in found], means, **style.look(place), label=drawn_symbols(name))
        ax.set_xscale("log")
        ax.set(xlabel=drawn_symbols(x_title), title=drawn_symbols(panel["title"]), ylim=(0, panel.get("top")))
        ax.grid(axis="y")
        if MEASURES[measure].unit == "share":
            style.as_shares(ax.yaxis)
    figure.axes[0].legend()
    return figure
