"""What every edit changes, as a matrix: the edits' success on the diagonal, the drift of other attributes beside it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from statistics import fmean

import numpy as np
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from facet.report import style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.texts import drawn_symbols
from facet.results import Result

OWN, OTHERS = ("edit_off_full", "edit_on_full"), ("drift_off", "drift_on")
WIDEST = 0.2
"""The drift at which the colour scale ends."""


def render(page: Context, rows: Sequence[str] | str = "several") -> list[Block]:
    """A figure of every row's first run that has drift.

    Args:
        rows: which.
    """
    alt = "Drift of every attribute with every edit; successes on the diagonal"
    made: list[Block] = []
    for row, result, title in page.firsts(rows):
        values = matrix(result)
        if not np.isnan(values[~np.eye(len(values), dtype=bool)]).all():
            made.append(Figure(f"{row.key}-drift", partial(_draw, values, result.attribute_names), alt, title))
    return made


def matrix(result: Result) -> NDArray[np.float64]:
    """``[k, k]``: line i edits attribute i, column j is what the judge reads of attribute j.

    Shares in [0, 1], means of both directions of an edit: of successes on the diagonal, of readings that turn over
    beside it; NaN where nothing is defined.
    """
    names = result.attribute_names
    values = np.full((len(names), len(names)), np.nan)
    for i, edited in enumerate(names):
        for j, judged in enumerate(names):
            measures, other = (OWN, "") if i == j else (OTHERS, judged)
            both = [number.value for name in measures if (number := result.number(name, edited, other=other))]
            if len(both) == len(measures):
                values[i, j] = fmean(both)
    return values


def _draw(values: NDArray[np.float64], names: Sequence[str]) -> Drawing:
    own = np.eye(len(names), dtype=bool)
    figure = Drawing(figsize=(2.6 + 0.5 * len(names), 1.9 + 0.42 * len(names)))
    ax = figure.subplots()
    ax.set_facecolor(style.colour("grid"))
    shown = ax.imshow(np.where(own, np.nan, values), cmap="magma_r", vmin=0, vmax=WIDEST)
    ax.imshow(np.where(own, values, np.nan), cmap="Greens", vmin=0, vmax=1.4)
    for (i, j), value in np.ndenumerate(values):
        bright = value > 0.12 if i != j else value > 0.9
        text = "·" if np.isnan(value) else f"{100 * value:.0f}"
        ax.text(j, i, text, ha="center", va="center", fontsize=7, color="white" if bright else "black")
    titles = [drawn_symbols(name.replace("_", " ")) for name in names]
    ax.set(xticks=range(len(titles)), yticks=range(len(titles)), yticklabels=titles)
    ax.set_xticklabels(titles, rotation=40, ha="left", rotation_mode="anchor")
    ax.xaxis.tick_top()
    ax.spines[:].set_visible(False)
    ticks, shares = np.linspace(0, WIDEST, 5), PercentFormatter(1.0, decimals=0)
    bar = figure.colorbar(shown, ax=ax, shrink=0.7, extend="max", ticks=ticks, format=shares)
    bar.ax.tick_params(length=3.5)
    bar.outline.set_visible(False)  # type: ignore[operator]
    return figure
