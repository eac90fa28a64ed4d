"""The pages of AIF's Figures 2 to 7: faces side by side, and the encoder as a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from facet.report import grids, many_attributes
from facet.report.faces import Strips
from facet.report.figure_page import Drawn, Numbers, Picture, Shown, write_page
from facet.report.figures import COLOURS, Scheme, symbols
from facet.report.results import Result, Row, RowRuns, read_rows
from facet.report.tables import csv_text, mse_cell, rate_cell

TITLES = {
    "ours": "IFcVAE-GAN (ours)",
    "many": "IFcVAE-GAN, one model for all",
    **dict.fromkeys(("eyeglasses", "wearing_hat", "blond_hair"), "IFcVAE-GAN, a model of its own"),
    "cvae_gan": "cVAE-GAN",
    "no_aux": "Ours without L_aux",
    "no_gan": "Ours without L_gan",
    "classifier": "ResNet-18, trained for that alone",
    "dip_vae_i": "DIP-VAE I, linear probe",
    "dip_vae_ii": "DIP-VAE II, linear probe",
    "beta_vae": "β-VAE, linear probe",
}
PAGES = {
    "aif-figure2": (
        "AIF, Figure 2: the encoder as a classifier",
        "Accuracy of E_y, the part of the encoder that predicts attributes, beside a network that was trained for "
        "nothing else. The paper compares with Zhuang et al. (2018), whose code is not public.",
    ),
    "aif-figure3": (
        "AIF, Figure 3: ours and cVAE-GAN",
        "The same test faces, reconstructed, and edited to have the attribute and not to have it.",
    ),
    "aif-figure4": (
        "AIF, Figure 4: other attributes",
        "Editing other attributes than Smiling: a model each, as in the paper, and one model for all, which it leaves "
        "open.",
    ),
    "aif-figure5": (
        "AIF, Figure 5: with and without L_aux",
        "The same test faces, reconstructed and edited. In the paper, without L_aux the picture does not follow y.",
    ),
    "aif-figure6": (
        "AIF, Figure 6: with and without L_gan",
        "The same test faces, reconstructed and edited. In the paper, without L_gan they are blurred.",
    ),
    "aif-figure7": (
        "AIF, Figure 7: what a linear probe reads from codes learned without labels",
        "Accuracy of E_y beside that of logistic regressions on the codes of DIP-VAE and β-VAE, trained afterwards on "
        "the train split.",
    ),
}
CLASSIFIERS = ("aif-figure2", "aif-figure7")


def write_report(name: str, runs: Sequence[RowRuns], directory: Path, commands: Sequence[str]) -> Path:
    """Write a page's ``index.html`` and all that lies beside it.

    Returns:
        The path of ``index.html``.
    """
    titled = [RowRuns(run.key, TITLES.get(run.key, run.title), run.runs) for run in runs]
    rows = read_rows(titled, [(run.key, run.title) for run in titled])
    title, caption = PAGES[name]
    if name in CLASSIFIERS:
        drawn, text, said = _accuracies(rows), _accuracy_csv(rows), _accuracies_said(rows)
    elif name == "aif-figure4":
        drawn, text, said = many_attributes.drawn(rows), many_attributes.to_csv(rows), many_attributes.said(rows)
    else:
        drawn, text, said = _faces(rows), _edit_csv(rows), _edits_said(rows)
    if not any(row.evaluated for row in rows):
        said = "No run has been evaluated yet: there is nothing to report."
    return write_page(title, caption, said, rows, drawn, text, directory, commands)


# ---------------------------------------------------------------------- faces


def _faces(rows: Sequence[Row]) -> Drawn:
    pictures: dict[str, Picture] = {}
    shown: list[Shown] = []
    for row in rows:
        if row.evaluated and (strips := grids.read_strips(row.evaluated[0].directory)):
            pictures[row.key] = Strips(strips, row.evaluated[0].attribute)
            shown.append(Shown(row.key, row.title, "The first test faces that have the attribute, not chosen."))
    head = ["", "MSE", "Ĉ absent", "Ĉ present"]
    lines = [
        [row.title, mse_cell(row.spread("mse")).value, *(_rate(row, f"edit_{side}") for side in ("off", "on"))]
        for row in rows
        if row.evaluated
    ]
    note = "Test split; the share of edits that an independent classifier reads as intended, with 95% Wilson intervals."
    return shown, pictures, [Numbers("The same in numbers", note, head, lines)]


def _rate(row: Row, quantity: str) -> str:
    cell = rate_cell(row.spread(quantity))
    return f"{cell.value} ({cell.interval})" if cell.interval else cell.value


def _edit_csv(rows: Sequence[Row]) -> str:
    quantities = ("mse", "reconstruction_on", "reconstruction_off", "edit_off", "edit_on")
    lines = [
        [row.key, result.seed, result.chosen, "paper", *(result.value(quantity) for quantity in quantities)]
        for row in rows
        for run in row.evaluated
        for result in run.by_attribute()
    ]
    return csv_text(["row", "seed", "attribute", "protocol", *quantities], lines)


# ---------------------------------------------------------------------- classifiers


def _accuracies(rows: Sequence[Row]) -> Drawn:
    names = _attributes(rows)
    if not names:
        return [], {}, []
    lines = [[name.replace("_", " "), *(_accuracy(row, name) for row in rows if row.evaluated)] for name in names]
    balanced = [[name.replace("_", " "), *(_balanced(row, name) for row in rows if row.evaluated)] for name in names]
    head = ["", *(row.title for row in rows if row.evaluated)]
    note = "Test split; one seed: 95% Wilson interval, several: mean ± sd."
    shown = Shown("accuracy", "Accuracy", "A dot and a 95% Wilson interval per attribute and seed.")
    tables = [
        Numbers("Accuracy", note, head, lines),
        Numbers("Balanced accuracy", "Half for a constant answer, however rare the attribute.", head, balanced),
    ]
    return [shown], {"accuracy": lambda scheme: _dots(rows, names, scheme)}, tables


def _attributes(rows: Sequence[Row]) -> list[str]:
    """The attributes that every evaluated row has scores of, in the order of the first."""
    each = [list(result.at("measures", "classifier") or {}) for row in rows for result in row.evaluated]
    return [name for name in each[0] if all(name in others for others in each)] if each else []


def _dots(rows: Sequence[Row], names: Sequence[str], scheme: Scheme) -> Figure:
    figure = Figure(figsize=(9.4, 1.1 + 0.42 * len(names)), layout="constrained")
    ax: Axes = figure.subplots()
    for i, row in enumerate(rows):
        colour = COLOURS[scheme][i % len(COLOURS[scheme])]
        for place, name in enumerate(names):
            for result in row.evaluated:
                rate = result.rate("measures", "classifier", name, "accuracy")
                if rate is not None:
                    y = place + 0.16 * (i - (len(rows) - 1) / 2)
                    ax.plot((rate.low, rate.high), (y, y), color=colour, linewidth=2, solid_capstyle="butt")
                    ax.plot(rate.value, y, "o", color=colour, markersize=4)
        ax.plot([], [], "o-", color=colour, markersize=4, label=symbols(row.title))
    ax.set_yticks(range(len(names)), [symbols(name.replace("_", " ")) for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    ax.grid(axis="x")
    ax.tick_params(length=0)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _accuracy(row: Row, name: str) -> str:
    cell = rate_cell(row.spread_at("measures", "classifier", name, "accuracy"))
    return f"{cell.value} ({cell.interval})" if cell.interval else cell.value


def _balanced(row: Row, name: str) -> str:
    return rate_cell(row.spread_at("measures", "classifier", name, "balanced_accuracy")).value


def _accuracy_csv(rows: Sequence[Row]) -> str:
    scores = ("accuracy", "balanced_accuracy", "f1")
    lines = [
        [row.key, result.seed, name, *(_score(result, name, score) for score in scores)]
        for row in rows
        for result in row.evaluated
        for name in _attributes(rows)
    ]
    return csv_text(["row", "seed", "attribute", *scores], lines)


def _score(result: Result, name: str, score: str) -> float | None:
    return result.number("measures", "classifier", name, score)


def _edits_said(rows: Sequence[Row]) -> str:
    return " ".join(
        f"{row.title}: {_rate(row, 'edit_off')} of the edits remove the attribute, {_rate(row, 'edit_on')} give it."
        for row in rows
        if row.evaluated
    )


def _accuracies_said(rows: Sequence[Row]) -> str:
    names = _attributes(rows)
    means = {}
    for row in rows:
        values = [
            spread.mean for name in names if (spread := row.spread_at("measures", "classifier", name, "accuracy"))
        ]
        if values:
            means[row.title] = sum(values) / len(values)
    each = ", ".join(f"{title} {mean:.1%}" for title, mean in means.items())
    return f"Mean accuracy over {len(names)} attributes: {each}."
