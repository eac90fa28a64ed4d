"""Curves of editors that grow: reconstruction, control and the Jacobian loss, a line per row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from facet.report.figures import COLOURS, DASHES, INK, Scheme, symbols
from facet.report.growth_figures import by_epoch
from facet.report.results import Row

QUANTITIES = {
    "val/mse": "reconstruction, MSE",
    "val/edits": "edits that succeed",
    "val/difference": "Jacobian loss, eq. 9",
}
CAPTION = (
    "Validation split; vertical bars: channels were opened. Edits where there is something to change, all attributes. "
    "One seed, the first."
)


class Curves:
    """Draws every quantity that some row logged, over epochs.

    Args:
        rows: evaluated ones; of each the first run counts.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows

    def __call__(self, scheme: Scheme) -> Figure:
        logged = [by_epoch(row.evaluated[0].directory) for row in self.rows]
        names = [name for name in QUANTITIES if any(name in curves for curves in logged)]
        figure = Figure(figsize=(10.4, 3.8), layout="constrained")
        axes: Any = figure.subplots(1, max(1, len(names)), squeeze=False)[0]
        sizes = logged[0].get("code_size", []) if logged else []
        for ax, name in zip(axes, names, strict=False):
            for before, after in pairwise(sizes):
                if after[1] > before[1]:
                    ax.axvline(before[0] + 0.5, color=INK[scheme][1], linewidth=1)
            for i, (row, curves) in enumerate(zip(self.rows, logged, strict=True)):
                if points := curves.get(name):
                    style = {"color": COLOURS[scheme][i % 6], "linestyle": DASHES[i % 6], "linewidth": 1.4}
                    ax.plot(*zip(*points, strict=True), label=symbols(row.title), **style)
            if name == "val/edits":
                ax.yaxis.set_major_formatter(PercentFormatter(1.0))
            else:
                ax.set_yscale("log")
            ax.set_title(QUANTITIES[name])
            ax.set_xlabel("epoch")
        if names:
            handles, labels = axes[0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower left", ncols=2, frameon=False)
        return figure
