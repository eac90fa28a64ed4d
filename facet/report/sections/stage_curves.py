"""What a run that grows logged once an epoch: a panel for each quantity, vertical bars where the code grew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Drawing

from facet.metrics import rows as logged
from facet.report import style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.texts import drawn_symbols
from facet.rows import Row

Curves = Mapping[str, Sequence[tuple[int, float]]]
"""By name: (epoch, value)."""


def render(
    page: Context,
    panels: Mapping[str, Mapping[str, Any]],
    caption: str,
    rows: Sequence[str] | str = "all",
    size: str = "code_size",
) -> list[Block]:
    """The figure, of every row's first run.

    Args:
        page: what it is made from.
        panels: by the name of what is logged, its ``title`` and whether it is a ``share``; what is none has a
            logarithmic axis.
        caption: below the figure.
        rows: which; of the first one it is drawn where the code grew.
        size: the name under which the code size is logged.
    """
    shown = [row for row in page.chosen(rows) if row.evaluated and not row.evaluated[0].diverged]
    curves = [by_epoch(row.evaluated[0].directory, [*panels, size]) for row in shown]
    panels = {name: panel for name, panel in panels.items() if any(_drawn(each, name, panel) for each in curves)}
    if not panels:
        return []
    drawn = partial(_draw, shown, curves, panels, size)
    return [Figure("curves", drawn, page.texts.fill(caption), "Learning curves over epochs, one panel per quantity")]


def by_epoch(directory: Path, names: Sequence[str]) -> Curves:
    """What a run logged once an epoch, in the order of epochs."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for line in logged(directory / "metrics.csv"):
        for name in names:
            if name in line and "epoch" in line:
                curves.setdefault(name, []).append((int(float(line["epoch"])), float(line[name])))
    return curves


def _drawn(curves: Curves, name: str, panel: Mapping[str, Any]) -> bool:
    """Whether there is something that the panel's axis can show."""
    return any(panel.get("share") or value > 0 for _, value in curves.get(name, ()))


def _draw(
    rows: Sequence[Row],
    curves: Sequence[Curves],
    panels: Mapping[str, Mapping[str, Any]],
    size: str,
    scheme: style.Scheme,
) -> Drawing:
    figure = Drawing(figsize=(10.4, 3.4 if len(rows) == 1 else 3.8), layout="constrained")
    # Between two epochs: the first validation of the wider code may come epochs later.
    grown = [before[0] + 0.5 for before, after in pairwise(curves[0].get(size, ())) if after[1] > before[1]]
    for ax, (name, panel) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for moment in grown:
            ax.axvline(moment, color=style.INK[scheme][1], linewidth=1)
        for place, (row, each) in enumerate(zip(rows, curves, strict=True)):
            if points := each.get(name):
                look: Any = {"color": style.colour(place, scheme), "linestyle": style.dashes(place), "linewidth": 1.4}
                marker = "" if len(points) > 1 else "o"
                ax.plot(*zip(*points, strict=True), marker=marker, label=drawn_symbols(row.title), **look)
        if panel.get("share"):
            style.as_shares(ax.yaxis)
        else:
            ax.set_yscale("log")
        ax.set_title(drawn_symbols(panel["title"]))
        ax.set_xlabel("epoch")
    if len(rows) > 1:
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=2, frameon=False)
    return figure
