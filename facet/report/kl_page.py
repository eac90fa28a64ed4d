"""The page of two rows of AIF's Table 1, with and without L_aux, over the weight of L_KL."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from facet.report.figure_page import Numbers, Shown, write_page
from facet.report.figures import COLOURS, DASHES, Scheme, symbols
from facet.report.results import Row, RowRuns, read_rows
from facet.report.tables import csv_text, mse_cell, rate_cell, sum_cell, sums

TITLES = {"ours": "With L_aux", "no_aux": "Without L_aux"}
RATES = ("reconstruction_off", "reconstruction_on", "edit_off", "edit_on")
PAGES = {
    "aif-kl": (
        "AIF: where L_aux is needed",
        "y is the one input of the decoder that costs no KL. So the heavier L_KL (α) is, the sooner the picture reads "
        "the attribute from y, even where nothing drives it out of ẑ. The same two rows as in Table 1 at several α.",
    )
}


def write_report(name: str, runs: Sequence[RowRuns], directory: Path, commands: Sequence[str]) -> Path:
    """Write the page's ``index.html`` and all that lies beside it.

    Args:
        name: of the page.
        runs: by keys ``<row>-<α>``.
        directory: where to.
        commands: that make the page again.

    Returns:
        The path of ``index.html``.
    """
    titled = [RowRuns(run.key, f"{TITLES[_row(run.key)]}, α = {_weight(run.key):g}", run.runs) for run in runs]
    rows = read_rows(titled, [(run.key, run.title) for run in titled])
    title, caption = PAGES[name]
    shown = Shown(
        "sums",
        "Over α",
        "Left: the rates of edits to absent and to present, added up; 100%: the picture doesn't follow y, 200%: it "
        "always does. Right: the reconstruction error. A dot per seed, a line through their means.",
    )
    head = ["", "MSE", "kept absent", "kept present", "Ĉ absent", "Ĉ present", "Sum"]
    note = "Test split. Kept: unedited reconstructions that an independent classifier reads as the input's label."
    numbers = Numbers("The same in numbers", note, head, [_line(row) for row in rows if row.evaluated])
    drawn = ([shown], {"sums": partial(_figure, rows)}, [numbers]) if numbers.lines else ([], {}, [])
    return write_page(title, caption, _said(rows), rows, drawn, _csv(rows), directory, commands)


def _row(key: str) -> str:
    return key.partition("-")[0]


def _weight(key: str) -> float:
    return float(key.partition("-")[2])


def _points(row: Row, panel: str) -> tuple[float, ...]:
    spread = sums(row) if panel == "sum" else row.spread("mse")
    return spread.values if spread else ()


def _figure(rows: Sequence[Row], scheme: Scheme) -> Figure:
    figure = Figure(figsize=(9.4, 3.4), layout="constrained")
    for panel, ax in zip(("sum", "mse"), figure.subplots(1, 2), strict=True):
        for i, (key, title) in enumerate(TITLES.items()):
            _curve(ax, [row for row in rows if _row(row.key) == key], panel, COLOURS[scheme][i], i, title)
        ax.set_xscale("log")
        ax.set_xlabel(symbols("α, the weight of L_KL"))
        ax.grid(axis="y")
        ax.tick_params(length=0, which="both")
        ax.set_title("both edit rates, added up" if panel == "sum" else "MSE")
        if panel == "sum":
            ax.set_ylim(0, 2.05)
            ax.yaxis.set_major_formatter(PercentFormatter(1.0))
        else:
            ax.set_ylim(bottom=0)
    figure.axes[0].legend(frameon=False)
    return figure


def _curve(ax: Axes, rows: Sequence[Row], panel: str, colour: str, i: int, title: str) -> None:
    measured = sorted((_weight(row.key), values) for row in rows if (values := _points(row, panel)))
    for weight, values in measured:
        ax.plot([weight] * len(values), values, "o", color=colour, markersize=4.2)
    means = [sum(values) / len(values) for _, values in measured]
    ax.plot([weight for weight, _ in measured], means, linestyle=DASHES[i], color=colour, label=symbols(title))


def _line(row: Row) -> list[str]:
    rates = [rate_cell(row.spread(rate)).value for rate in RATES]
    return [row.title, mse_cell(row.spread("mse")).value, *rates, sum_cell(row).value]


def _said(rows: Sequence[Row]) -> str:
    """Between which sums each of the two rows moves."""
    parts = []
    for key, title in TITLES.items():
        ends = [row for row in rows if _row(row.key) == key and row.evaluated]
        if ends:
            ends = sorted(ends, key=lambda row: _weight(row.key))
            each = ", ".join(f"{sum_cell(row).value} at α = {_weight(row.key):g}" for row in ends)
            parts.append(f"{title}, both edit rates together: {each}.")
    return " ".join(parts) or "No run has been evaluated yet: there is nothing to report."


def _csv(rows: Sequence[Row]) -> str:
    quantities = ("mse", *RATES)
    lines = [
        [row.key, _weight(row.key), result.seed, result.chosen, "paper", *(result.value(each) for each in quantities)]
        for row in rows
        for run in row.evaluated
        for result in run.by_attribute()
    ]
    return csv_text(["row", "alpha", "seed", "attribute", "protocol", *quantities], lines)
