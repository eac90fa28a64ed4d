"""Rates of every row, a panel for each: a dot and an interval per seed, the published number as a hollow square."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from facet.report import style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.texts import drawn_symbols
from facet.rows import Row


def render(page: Context, panels: Mapping[str, str]) -> list[Block]:
    """The figure.

    Args:
        page: what it is made from.
        panels: the title of each by its measure.
    """
    titles = {measure: page.texts.fill(title) for measure, title in panels.items()}
    alt = "Rates of every row with 95% intervals, the published below"
    return [Figure("rates", partial(_draw, page.rows, titles), alt)]


def _draw(rows: Sequence[Row], titles: Mapping[str, str]) -> Drawing:
    figure = Drawing(figsize=(9.4, 0.9 + 0.62 * len(rows)))
    axes = figure.subplots(1, len(titles), sharey=True, squeeze=False, gridspec_kw={"wspace": 0.06})[0]
    for ax, (measure, title) in zip(axes, titles.items(), strict=True):
        for place, row in enumerate(rows):
            _here(ax, place, row, measure)
            _published(ax, place, row, measure)
        ax.set(title=drawn_symbols(title), xlim=(-0.02, 1.02), ylim=(len(rows) - 0.45, -0.55))
        ax.set_yticks(range(len(rows)), [_title(row) for row in rows])
        style.as_shares(ax.xaxis)
        ax.grid(axis="x")
        ax.spines["left"].set_visible(False)
    if any(row.said.published for row in rows):
        axes[0].plot([], [], "o-", color=style.ink(), markersize=5, label="here: one dot per seed, 95% interval")
        hollow = {"alpha": 0.6, "markerfacecolor": "none", "markersize": 5}
        axes[0].plot([], [], "s-", color=style.ink(), label="published", **hollow)
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def _here(ax: Axes, place: int, row: Row, measure: str) -> None:
    numbers = [number for result in row.evaluated if (number := result.number(measure))]
    if not numbers:
        ax.text(0.5, place - 0.1, row.reason or "no numbers", ha="center", va="center", style="italic", alpha=0.7)
    heights = (place - 0.14 + 0.13 * (i - (len(numbers) - 1) / 2) for i in range(len(numbers)))
    face = f"C{place}" if row.interpretable else style.paper()
    style.dots(ax, [*zip(numbers, heights, strict=True)], f"C{place}", markerfacecolor=face, markersize=4.2)


def _published(ax: Axes, place: int, row: Row, measure: str) -> None:
    if (rate := row.said.printed(measure)) is None:
        return
    y = place + 0.22
    if rate.low is not None and rate.high is not None:
        ax.plot((rate.low, rate.high), (y, y), color=style.ink(), linewidth=1, alpha=0.5)
    ax.plot(rate.value, y, "s", color=style.ink(), alpha=0.6, markerfacecolor=style.paper(), markersize=5)
    if row.said.remark:
        side, away = ("left", 0.025) if rate.value < 0.5 else ("right", -0.025)
        ax.text(rate.value + away, y, "not comparable", ha=side, va="center", fontsize=7.5)


def _title(row: Row) -> str:
    """A row's title for an axis, with what keeps its numbers from being used."""
    flaw = "\ntraining diverged" if row.diverged else "\nnot interpretable yet" if row.undertrained else ""
    return drawn_symbols(row.title) + flaw
