"""Rates, a line for each row or attribute: a dot and an interval per seed, the published rate as a hollow square."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from facet.report import style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.texts import drawn_symbols
from facet.rows import Row, shared


def render(page: Context, panels: Mapping[str, str], attributes: bool = False) -> list[Block]:
    """The figure.

    Args:
        panels: the title of each by its measure, a share.
        attributes: whether a line is an attribute of which every row has the first measure, with a colour per row.
    """
    titles = {measure: page.texts.fill(title) for measure, title in panels.items()}
    if not attributes:
        drawn = partial(_draw, page.rows, titles, ())
        return [Figure("rates", drawn, "Rates of every row with 95% intervals, the published below")]
    measure = next(iter(panels))
    names = shared(page.evaluated, measure)
    alt = f"{measure.replace('_', ' ').capitalize()} of every attribute, row by row, with 95% intervals"
    return [Figure(measure, partial(_draw, page.rows, titles, names), alt)] if names else []


def _draw(rows: Sequence[Row], titles: Mapping[str, str], names: Sequence[str]) -> Drawing:
    labels = [drawn_symbols(name.replace("_", " ")) for name in names] if names else [_title(row) for row in rows]
    figure = Drawing(figsize=(9.4, 1 + (0.42 if names else 0.62) * len(labels)))
    axes = figure.subplots(1, len(titles), sharey=True, squeeze=False, gridspec_kw={"wspace": 0.06})[0]
    for ax, (measure, title) in zip(axes, titles.items(), strict=True):
        for i, row in enumerate(rows):
            if names:
                for line, name in enumerate(names):
                    _here(ax, f"C{i}", row, (measure, name), line + 0.16 * (i - (len(rows) - 1) / 2), 0)
            else:
                _here(ax, f"C{i}", row, (measure, None), i - 0.14, 0.13)
                _published(ax, i + 0.22, row, measure)
            if names and ax is axes[0]:
                ax.plot([], [], "o-", color=f"C{i}", markersize=4, label=drawn_symbols(row.title))
        ax.set(title=drawn_symbols(title), ylim=(len(labels) - 0.45, -0.55))
        ax.set_yticks(range(len(labels)), labels)
        style.as_shares(ax.xaxis)
        ax.grid(axis="x")
        if not names:
            ax.set_xlim(-0.02, 1.02)
            ax.spines["left"].set_visible(False)
    if not names and any(row.said.published for row in rows):
        here = "here: one dot per seed, 95% interval"
        axes[0].plot([], [], "o-", color=style.colour("ink"), markersize=5, label=here)
        axes[0].plot([], [], linestyle="-", label="published", **style.published())
    if axes[0].get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def _here(ax: Axes, colour: str, row: Row, of: tuple[str, str | None], middle: float, apart: float) -> None:
    """The seeds' dots around a height; hollow where edits can't be interpreted."""
    numbers = [number for result in row.evaluated if (number := result.number(*of))]
    if not numbers and apart:
        ax.text(0.5, middle + 0.04, row.reason or "no numbers", ha="center", va="center", style="italic", alpha=0.7)
    heights = (middle + apart * (i - (len(numbers) - 1) / 2) for i in range(len(numbers)))
    face = colour if row.interpretable or not apart else style.colour("paper")
    for number, y in zip(numbers, heights, strict=True):
        if number.low is not None and number.high is not None:
            ax.plot((number.low, number.high), (y, y), color=colour, linewidth=2, solid_capstyle="butt")
        ax.plot(number.value, y, "o", color=colour, markerfacecolor=face, markersize=4.2)


def _published(ax: Axes, y: float, row: Row, measure: str) -> None:
    if (rate := row.said.printed(measure)) is None:
        return
    if rate.low is not None and rate.high is not None:
        ax.plot((rate.low, rate.high), (y, y), color=style.colour("ink"), linewidth=1, alpha=0.5)
    ax.plot(rate.value, y, **style.published())
    if row.said.remark:
        side, away = ("left", 0.025) if rate.value < 0.5 else ("right", -0.025)
        ax.text(rate.value + away, y, "not comparable", ha=side, va="center", fontsize=7.5)


def _title(row: Row) -> str:
    """A row's title for an axis, with what keeps its numbers from being used."""
    flaw = "\ntraining diverged" if row.diverged else "\nnot interpretable yet" if row.undertrained else ""
    return drawn_symbols(row.title) + flaw
