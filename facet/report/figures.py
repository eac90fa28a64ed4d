"""Figures, light and dark: edit rates with their intervals beside the published ones, and learning curves."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from facet.report.results import INTERPRETABLE, Row
from facet.report.tables import TableSpec

Scheme = Literal["light", "dark"]
Points = Sequence[tuple[int, float]]

# Okabe & Ito's colours, told apart with any colour vision; every row has its own dashes too.
COLOURS: dict[Scheme, tuple[str, ...]] = {
    "light": ("#0072b2", "#d55e00", "#009e73", "#b0569b", "#8a6d00", "#444444"),
    "dark": ("#56b4e9", "#f08a3c", "#2fc79a", "#d993c2", "#e6c229", "#bbbbbb"),
}
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (3, 3)), (0, (8, 2)))
INK = {"light": ("#1f2328", "#d5d8dc", "#ffffff"), "dark": ("#dfe3e8", "#3a4048", "#15181c")}
MOST_POINTS = 120
SYMBOL = re.compile(r"\b([LEA])_(aux|class|gan|KL|y)\b")

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


def save(draw: Callable[[Scheme], Figure], kind: Literal["png", "pdf"], scheme: Scheme = "light") -> bytes:
    """A figure as a file's content, the same bytes each time."""
    ink, line, paper = INK[scheme]
    settings: Any = {
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.edgecolor": line,
        "axes.titlesize": 9,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": line,
        "grid.linewidth": 0.6,
        "pdf.fonttype": 42,
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color"), ink),
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), paper),
    }
    buffer = io.BytesIO()
    with mpl.rc_context(settings):
        metadata = {"Software": None} if kind == "png" else {"CreationDate": None}
        draw(scheme).savefig(buffer, format=kind, dpi=160, metadata=metadata)
    return buffer.getvalue()


def edit_rates(table: TableSpec, rows: Sequence[Row], attribute: str, scheme: Scheme) -> Figure:
    """Both edit rates of every row: a dot and a 95% interval per seed, the published number as a hollow square."""
    figure = Figure(figsize=(9.4, 0.9 + 0.62 * len(rows)), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.06})
    for ax, side in zip(axes, ("off", "on"), strict=True):
        for place, row in enumerate(rows):
            _row_rates(ax, place, row, side, scheme)
            _published_rate(ax, place, table, row, side, scheme)
        ax.set_title(symbols(f"Ĉ {attribute if side == 'on' else f'Not-{attribute}'}"))
        ax.set_xlim(-0.02, 1.02)
        ax.xaxis.set_major_formatter(PercentFormatter(1.0))
        ax.grid(axis="x")
        ax.tick_params(length=0)
        ax.spines["left"].set_visible(False)
        ax.set_ylim(len(rows) - 0.45, -0.55)
    axes[0].set_yticks(range(len(rows)), [_title(row) for row in rows])
    ink = INK[scheme][0]
    here = axes[0].plot([], [], "o-", color=ink, markersize=5, label="here: one dot per seed, 95% interval")[0]
    paper = axes[0].plot([], [], "s-", color=ink, alpha=0.6, markerfacecolor="none", markersize=5, label="published")[0]
    if table.published:
        figure.legend(handles=[here, paper], loc="outside lower center", ncols=2, frameon=False)
    return figure


def _row_rates(ax: Axes, place: int, row: Row, side: str, scheme: Scheme) -> None:
    rates = [rate for r in row.evaluated if (rate := r.rate("measures", "edits", r.attribute, "paper", side))]
    if not rates:
        ax.text(0.5, place - 0.1, row.reason or "no numbers", ha="center", va="center", style="italic", alpha=0.7)
    for i, rate in enumerate(rates):
        y = place - 0.14 + 0.13 * (i - (len(rates) - 1) / 2)
        colour = COLOURS[scheme][place % len(COLOURS[scheme])]
        ax.plot((rate.low, rate.high), (y, y), color=colour, linewidth=2, solid_capstyle="butt")
        face = colour if row.interpretable else INK[scheme][2]
        ax.plot(rate.value, y, "o", color=colour, markerfacecolor=face, markersize=4.2)


def _published_rate(ax: Axes, place: int, table: TableSpec, row: Row, side: str, scheme: Scheme) -> None:
    paper = table.published.rows.get(row.key) if table.published else None
    if paper is None:
        return
    rate = paper.edit_on if side == "on" else paper.edit_off
    y, ink = place + 0.22, INK[scheme][0]
    if rate.low is not None and rate.high is not None:
        ax.plot((rate.low, rate.high), (y, y), color=ink, linewidth=1, alpha=0.5)
    ax.plot(rate.value, y, "s", color=ink, alpha=0.6, markerfacecolor=INK[scheme][2], markersize=5)
    if not rate.comparable:
        ax.annotate(
            "rated by people",
            (rate.value, y),
            xytext=(6 if rate.value < 0.5 else -6, 0),
            alpha=0.7,
            textcoords="offset points",
            ha="left" if rate.value < 0.5 else "right",
            va="center",
            fontsize=7.5,
        )


def quantities(rows: Sequence[Row]) -> list[str]:
    """The names of the curves that the runs' ``metrics.csv`` hold, in the order they are drawn in."""
    metrics = [result.metrics() for row in rows for result in row.results]
    logged = {name for curves in metrics for name in curves if name.startswith(("train/", "val/"))}
    names = [name for name in QUANTITIES if name in logged]
    return names + sorted(logged - set(names) - set(HIDDEN))


def learning_curves(rows: Sequence[Row], scheme: Scheme) -> Figure:
    """One panel per quantity of ``metrics.csv``, one colour per row, one thin line per seed."""
    curves = [(i, row, result.metrics()) for i, row in enumerate(rows) for result in row.results]
    names = quantities(rows)
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(9.4, 0.6 + 1.9 * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for ax, name in zip(axes, names, strict=False):
        for i, _, metrics in curves:
            if points := thin(metrics.get(name, ())):
                steps, values = zip(*points, strict=True)
                ax.plot(
                    steps,
                    values,
                    color=COLOURS[scheme][i % 6],
                    linestyle=DASHES[i % 6],
                    linewidth=1.1,
                    marker="" if len(points) > 1 else "o",
                    markersize=3,
                    alpha=0.9,
                )
        _dress(ax, name, scheme)
    for ax in axes[len(names) :]:
        ax.set_axis_off()
    drawn = {i: row for i, row, metrics in curves if metrics}
    handles = [
        axes[0].plot([], [], color=COLOURS[scheme][i % 6], linestyle=DASHES[i % 6], label=symbols(row.title))[0]
        for i, row in drawn.items()
    ]
    figure.supxlabel("training step as logged", fontsize=9)
    figure.legend(handles=handles, loc="outside upper center", ncols=min(4, len(handles)), frameon=False)
    return figure


def _dress(ax: Axes, name: str, scheme: Scheme) -> None:
    part = "validation" if name.startswith("val/") else "training"
    ax.set_title(symbols(f"{QUANTITIES.get(name, name.split('/', 1)[1].replace('_', ' '))}, {part}"))
    ax.grid()
    ax.tick_params(length=0)
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(4))
    if RATES.search(name):
        ax.set_ylim(-0.03, 1.03)
        ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    if "reconstruction_o" in name:
        ax.axhline(INTERPRETABLE, color=INK[scheme][0], linewidth=0.8, alpha=0.5)
    if name == "val/auxiliary_confusion":
        ax.axhline(1.0, color=INK[scheme][0], linewidth=0.8, alpha=0.5)


def thin(points: Points) -> list[tuple[float, float]]:
    """At most ``MOST_POINTS`` points: means over neighbours, where there are more."""
    size = -(-len(points) // MOST_POINTS) if points else 1
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]


def _title(row: Row) -> str:
    """A row's title for an axis, with what keeps its numbers from being used."""
    flaw = "\ntraining diverged" if row.diverged else "\nnot interpretable yet" if row.undertrained else ""
    return symbols(row.title) + flaw


def symbols(text: str) -> str:
    """A text as matplotlib takes it: ``L_aux`` with a real subscript, no other mathematics, whatever the text says.

    Every text that isn't a drawing's own goes through here.
    """
    return SYMBOL.sub(r"$\1_{\\mathrm{\2}}$", text.replace("$", r"\$"))
