"""Two rates of every row side by side: a dot and an interval per seed, the published number as a hollow square."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from facet.report import style
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.report.texts import drawn_symbols
from facet.rows import Row

Panel = Mapping[str, str]


def render(page: Context, left: Panel, right: Panel, caption: str) -> list[Block]:
    """The figure.

    Args:
        page: what it is made from.
        left, right: the ``measure`` of a panel and its ``title``.
        caption: below the figure.
    """
    panels = [(panel["measure"], page.texts.fill(panel["title"])) for panel in (left, right)]

    def draw(scheme: style.Scheme) -> Drawing:
        return _draw(page.rows, panels, scheme)

    return [
        Figure("rates", draw, page.texts.fill(caption), "Rates of every row with 95% intervals, the published below")
    ]


def _draw(rows: Sequence[Row], panels: Sequence[tuple[str, str]], scheme: style.Scheme) -> Drawing:
    figure = Drawing(figsize=(9.4, 0.9 + 0.62 * len(rows)), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.06})
    for ax, (measure, title) in zip(axes, panels, strict=True):
        for place, row in enumerate(rows):
            _here(ax, place, row, measure, scheme)
            _published(ax, place, row, measure, scheme)
        ax.set_title(drawn_symbols(title))
        ax.set_xlim(-0.02, 1.02)
        style.as_shares(ax.xaxis)
        ax.grid(axis="x")
        ax.tick_params(length=0)
        ax.spines["left"].set_visible(False)
        ax.set_ylim(len(rows) - 0.45, -0.55)
    axes[0].set_yticks(range(len(rows)), [_title(row) for row in rows])
    ink = style.INK[scheme][0]
    here = axes[0].plot([], [], "o-", color=ink, markersize=5, label="here: one dot per seed, 95% interval")[0]
    paper = axes[0].plot([], [], "s-", color=ink, alpha=0.6, markerfacecolor="none", markersize=5, label="published")[0]
    if any(row.said.published for row in rows):
        figure.legend(handles=[here, paper], loc="outside lower center", ncols=2, frameon=False)
    return figure


def _here(ax: Axes, place: int, row: Row, measure: str, scheme: style.Scheme) -> None:
    rates = [rate for result in row.evaluated if (rate := result.number(measure))]
    if not rates:
        ax.text(0.5, place - 0.1, row.reason or "no numbers", ha="center", va="center", style="italic", alpha=0.7)
    for i, rate in enumerate(rates):
        y = place - 0.14 + 0.13 * (i - (len(rates) - 1) / 2)
        colour = style.colour(place, scheme)
        if rate.low is not None and rate.high is not None:
            ax.plot((rate.low, rate.high), (y, y), color=colour, linewidth=2, solid_capstyle="butt")
        face = colour if row.interpretable else style.INK[scheme][2]
        ax.plot(rate.value, y, "o", color=colour, markerfacecolor=face, markersize=4.2)


def _published(ax: Axes, place: int, row: Row, measure: str, scheme: style.Scheme) -> None:
    rate = row.said.printed(measure)
    if rate is None:
        return
    y, ink = place + 0.22, style.INK[scheme][0]
    if rate.low is not None and rate.high is not None:
        ax.plot((rate.low, rate.high), (y, y), color=ink, linewidth=1, alpha=0.5)
    ax.plot(rate.value, y, "s", color=ink, alpha=0.6, markerfacecolor=style.INK[scheme][2], markersize=5)
    if not row.said.remark:
        return
    ax.text(
        rate.value + (0.025 if rate.value < 0.5 else -0.025),
        y,
        "not comparable",
        ha="left" if rate.value < 0.5 else "right",
        va="center",
        fontsize=7.5,
    )


def _title(row: Row) -> str:
    """A row's title for an axis, with what keeps its numbers from being used."""
    flaw = "\ntraining diverged" if row.diverged else "\nnot interpretable yet" if row.undertrained else ""
    return drawn_symbols(row.title) + flaw
