"""Learning curves from every run's ``metrics.csv``: a panel per quantity, a colour per row, a thin line per seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from facet.report import style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.texts import drawn_symbols
from facet.rows import Row

Points = Sequence[tuple[float, float]]
Run = tuple[int, Mapping[str, Points]]
"""The place of a run's row, and its curves by name: (step or epoch, value)."""
MOST_POINTS = 120


def render(
    page: Context,
    panels: Mapping[str, Mapping[str, Any]],
    rows: Sequence[str] | str = "all",
    others: bool = False,
    hidden: Sequence[str] = (),
    grown: str = "",
) -> list[Block]:
    """The figure; nothing where no run has logged anything.

    Args:
        panels: by the name of what is logged, each with its ``title``, whether it is a ``share``, whether its axis is
            logarithmic (``log``), and a ``level`` at which a line is drawn.
        rows: which.
        others: whether whatever else was logged under ``train/`` and ``val/`` has panels, too.
        hidden: what has none even so.
        grown: the name of a size that grows in training. The first run of every row is then drawn over epochs, with
            vertical bars where the size of the first row grew.
    """
    chosen = page.chosen(rows)
    results = [(i, result) for i, row in enumerate(chosen) for result in (row.evaluated[:1] if grown else row.results)]
    over: Literal["epoch", "step"] = "epoch" if grown else "step"
    runs: list[Run] = [(i, result.metrics(over)) for i, result in results if not (grown and result.diverged)]
    logged = {name for _, curves in runs for name in curves if name.startswith(("train/", "val/"))}
    shown = {name: panel for name, panel in panels.items() if any(_points(curves, name, panel) for _, curves in runs)}
    if others:  # val/edit_on of an attribute is drawn as val/edit_on is
        more = sorted(logged - {*panels, *hidden})
        for part, name in (full.split("/", 1) for full in more):
            title = f"{name.replace('_', ' ')}, {'validation' if part == 'val' else 'training'}"
            shown[f"{part}/{name}"] = {**panels.get(f"{part}/{name}".rpartition("/")[0], {}), "title": title}
    if not shown:
        return []
    alt = "Learning curves, one panel per logged quantity, one line per run; the numbers are in each run's metrics.csv."
    return [Figure("curves", partial(_draw, chosen, runs, shown, grown), alt)]


def _points(curves: Mapping[str, Points], name: str, panel: Mapping[str, Any]) -> Points:
    """Of a run, those that the panel's axis can show."""
    return [point for point in curves.get(name, ()) if point[1] > 0 or not panel.get("log")]


def _draw(rows: Sequence[Row], runs: Sequence[Run], panels: Mapping[str, Mapping[str, Any]], grown: str) -> Drawing:
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    figure = Drawing(figsize=(9.4, max(3.4, 0.6 + 1.9 * lines)))
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for ax, (name, panel) in zip(axes, panels.items(), strict=False):
        # Between two epochs: the first validation of a wider code may come epochs later.
        for (epoch, before), (_, after) in pairwise(runs[0][1].get(grown, ())):
            if after > before:
                ax.axvline(epoch + 0.5, color=style.colour("grid"), linewidth=1)
        for place, curves in runs:
            points = _points(curves, name, panel)
            if points := (points if grown else thin(points)):
                how = style.look(place) | {"linewidth": 1.1, "alpha": 0.9, "markersize": 3}
                ax.plot(*zip(*points, strict=True), marker="" if len(points) > 1 else "o", **how)
        ax.grid(axis="y" if grown else "both")
        _dress(ax, panel)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    titles = {place: rows[place].title for place, curves in runs if curves}
    for place, title in titles.items():
        axes[0].plot([], [], **style.look(place), label=drawn_symbols(title))
    figure.supxlabel("epoch" if grown else "training step as logged", fontsize=9)
    figure.legend(loc="outside upper center", ncols=min(len(titles), 120 // max(30, *map(len, titles.values())) or 1))
    return figure


def _dress(ax: Axes, panel: Mapping[str, Any]) -> None:
    ax.set_title(drawn_symbols(panel["title"]))
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    if panel.get("log"):
        ax.set_yscale("log")
    else:
        ax.yaxis.set_major_locator(MaxNLocator(4))
    if panel.get("share"):
        ax.set_ylim(-0.03, 1.03)
        style.as_shares(ax.yaxis)
    if "level" in panel:
        ax.axhline(panel["level"], color=style.colour("ink"), linewidth=0.8, alpha=0.5)


def thin(points: Points) -> Points:
    """At most ``MOST_POINTS`` points: means over neighbours, where there are more."""
    size = max(1, -(-len(points) // MOST_POINTS))
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]
