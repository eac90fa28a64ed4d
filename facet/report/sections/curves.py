"""Learning curves from every run's ``metrics.csv``: a panel per quantity, a colour per row, a thin line per seed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from facet.report import style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.texts import drawn_symbols
from facet.rows import INTERPRETABLE, Row

Points = Sequence[tuple[int, float]]
MOST_POINTS = 120
# What is drawn first, by its name in metrics.csv; everything else under train/ and val/ follows.
QUANTITIES = {
    "val/mse": "MSE",
    "val/edit_off": "edits to absent (Ĉ)",
    "val/edit_on": "edits to present (Ĉ)",
    "val/reconstruction_on": "reconstructions keep “present”",
    "val/reconstruction_off": "reconstructions keep “absent”",
    "val/accuracy": "accuracy of ŷ",
    "val/auxiliary_confusion": "loss of A / H(y)",
    "train/reconstruction": "reconstruction loss",
    "train/auxiliary": "loss of A",
    "train/kl": "KL",
    "train/gan": "loss of the discriminator",
    "train/class": "classification loss of ŷ",
}
RATES = re.compile(r"edit_|reconstruction_o|accuracy")
HIDDEN = ("val/auxiliary", "train/lr")
"""Not drawn: the first is ``val/auxiliary_confusion`` on another scale."""


def render(page: Context, caption: str) -> list[Block]:
    """The figure; nothing where no run has logged anything.

    Args:
        page: what it is made from.
        caption: below the figure.
    """
    if not (names := quantities(page.rows)):
        return []

    def draw(scheme: style.Scheme) -> Drawing:
        return _draw(page.rows, names, scheme)

    alt = "Learning curves, one panel per logged quantity, one line per run; the numbers are in each run's metrics.csv."
    return [Figure("curves", draw, page.texts.fill(caption), alt)]


def quantities(rows: Sequence[Row]) -> list[str]:
    """The names of the curves that the runs' ``metrics.csv`` hold, in the order they are drawn in."""
    metrics = [result.metrics() for row in rows for result in row.results]
    logged = {name for curves in metrics for name in curves if name.startswith(("train/", "val/"))}
    names = [name for name in QUANTITIES if name in logged]
    return names + sorted(logged - set(names) - set(HIDDEN))


def _draw(rows: Sequence[Row], names: Sequence[str], scheme: style.Scheme) -> Drawing:
    curves = [(i, result.metrics()) for i, row in enumerate(rows) for result in row.results]
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    figure = Drawing(figsize=(9.4, 0.6 + 1.9 * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for ax, name in zip(axes, names, strict=False):
        for i, metrics in curves:
            if points := thin(metrics.get(name, ())):
                look = {"color": style.colour(i, scheme), "linestyle": style.dashes(i), "linewidth": 1.1, "alpha": 0.9}
                ax.plot(*zip(*points, strict=True), marker="" if len(points) > 1 else "o", markersize=3, **look)
        _dress(ax, name, scheme)
    for ax in axes[len(names) :]:
        ax.set_axis_off()
    handles = [
        axes[0].plot(
            [], [], color=style.colour(i, scheme), linestyle=style.dashes(i), label=drawn_symbols(rows[i].title)
        )[0]
        for i in dict.fromkeys(i for i, metrics in curves if metrics)
    ]
    figure.supxlabel("training step as logged", fontsize=9)
    figure.legend(handles=handles, loc="outside upper center", ncols=min(4, len(handles)), frameon=False)
    return figure


def _dress(ax: Axes, name: str, scheme: style.Scheme) -> None:
    part = "validation" if name.startswith("val/") else "training"
    ax.set_title(drawn_symbols(f"{QUANTITIES.get(name, name.split('/', 1)[1].replace('_', ' '))}, {part}"))
    ax.grid()
    ax.tick_params(length=0)
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(4))
    if RATES.search(name):
        ax.set_ylim(-0.03, 1.03)
        style.as_shares(ax.yaxis)
    level = 1.0 if name == "val/auxiliary_confusion" else INTERPRETABLE if "reconstruction_o" in name else None
    if level is not None:
        ax.axhline(level, color=style.INK[scheme][0], linewidth=0.8, alpha=0.5)


def thin(points: Points) -> list[tuple[float, float]]:
    """At most ``MOST_POINTS`` points: means over neighbours, where there are more."""
    size = -(-len(points) // MOST_POINTS) if points else 1
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]
