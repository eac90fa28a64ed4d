"""AIF, Figure 4: editing other attributes, a model each and one model for all; what every edit changes besides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facet.report import grids
from facet.report.examples import read_examples
from facet.report.faces import Strips
from facet.report.figure_page import Drawn, Numbers, Picture, Shown
from facet.report.figures import INK, Scheme, symbols
from facet.report.results import Result, Row
from facet.report.tables import Cell, csv_text, mse_cell, percent, rate_cell

LINES = 24
"""Attributes in one picture of faces; there is another picture for the next ones."""


def drawn(rows: Sequence[Row]) -> Drawn:
    """Strips of the models with one attribute; faces, heat map and numbers of those with several."""
    pictures: dict[str, Picture] = {}
    shown: list[Shown] = []
    for row in rows:
        if not row.evaluated:
            continue
        result = row.evaluated[0]
        names = result.content.get("attribute_names", [])
        if len(names) == 1 and (strips := grids.read_strips(result.directory)):
            pictures[row.key] = Strips(strips, result.attribute)
            title = f"{result.attribute.replace('_', ' ')}, a model of its own"
            shown.append(Shown(row.key, title, "The first test faces that have the attribute, not chosen."))
        elif len(names) > 1:
            shown += many(row.key, result, pictures)
    return shown, pictures, [numbers(rows)]


TURNED = (
    "The first test faces, not chosen. Each line turns one attribute over, the others stay as the encoder read them, "
    "but for those that it rules out: + gives it to who has it not, − takes it from who has it."
)


def many(key: str, result: Result, pictures: dict[str, Picture]) -> list[Shown]:
    """Add faces and heat map of a run with several attributes to ``pictures``."""
    shown = []
    names = tuple(result.content["attribute_names"])
    if turned := _read_turned(result.directory):
        for start in range(0, len(names), LINES):
            part = slice(start, start + LINES)
            pictures[f"{key}-faces{start // LINES or ''}"] = _Turned(turned, names, part)
            shown.append(Shown(f"{key}-faces{start // LINES or ''}", f"One model for {len(names)} attributes", TURNED))
    if result.at("measures", "drift"):
        pictures[f"{key}-drift"] = _HeatMap(result, names)
        caption = (
            "Lines: the attribute that is edited. Columns: what the judge reads. On the diagonal the share of edits "
            "that succeed; beside it the share of faces whose reading turns over, which should be 0. Both directions, "
            "all test faces; dots: attributes that exclude each other and must change together."
        )
        shown.append(Shown(f"{key}-drift", "What every edit changes", caption))
    return shown


def turned(result: Result, prefix: str = "") -> Picture | None:
    """What draws the faces of a run with every attribute turned over, the first ``LINES`` of them.

    Args:
        result: the run.
        prefix: of the arrays' names, for a stage of a run.
    """
    found = _read_turned(result.directory, prefix)
    return _Turned(found, tuple(result.content["attribute_names"]), slice(0, LINES)) if found else None


def _read_turned(directory: Path, prefix: str = "") -> dict[str, Any]:
    names = [prefix + name for name in ("faces", "faces_reconstruction", "turned", "turned_on")]
    found = read_examples(directory, lambda name: name in names)
    return {name.removeprefix(prefix): found[name] for name in names} if set(names) <= set(found) else {}


class _Turned:
    """Draws faces with every attribute turned over, a line each."""

    def __init__(self, turned: dict[str, Any], names: Sequence[str], part: slice) -> None:
        self.turned, self.names, self.part = turned, names, part

    def __call__(self, scheme: Scheme) -> Figure:
        faces = self.turned["faces"]
        lines: list[tuple[str, Any, Any]] = [("original", faces, None)]
        lines.append(("reconstruction", self.turned["faces_reconstruction"], None))
        each = list(zip(self.names, self.turned["turned"], self.turned["turned_on"], strict=True))
        for name, edits, gave in each[self.part]:
            lines.append((name.replace("_", " "), edits, gave))
        side = faces.shape[-1]
        figure = Figure(figsize=(1.9 + 0.8 * len(faces), 0.82 * len(lines)), layout="constrained")
        axes = figure.subplots(len(lines), 1, squeeze=False).ravel()
        for ax, (label, edits, gave) in zip(axes, lines, strict=True):
            ax.imshow(grids.strip(edits), cmap="gray", interpolation="nearest")
            ax.set_ylabel(symbols(label), rotation=0, ha="right", va="center", fontsize=8, color=INK[scheme][0])
            ax.set_xticks([])
            ax.set_yticks([])
            ax.spines[:].set_visible(False)
            for i, given in enumerate([] if gave is None else gave):
                sign = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
                place = ((i + 0.09) * side, 0.12 * side)
                ax.text(*place, "+" if given else "−", fontsize=7, color="black", ha="center", va="center", bbox=sign)
        return figure


class _HeatMap:
    """Draws the drift matrix of a run, with the success of the edits on its diagonal."""

    def __init__(self, result: Result, names: Sequence[str]) -> None:
        self.result, self.names = result, names

    def __call__(self, scheme: Scheme) -> Figure:
        values = drift_matrix(self.result, self.names)
        own = np.eye(len(self.names), dtype=bool)
        figure = Figure(figsize=(2.6 + 0.5 * len(self.names), 1.9 + 0.42 * len(self.names)), layout="constrained")
        ax: Axes = figure.subplots()
        ax.set_facecolor(INK[scheme][1])
        shown = ax.imshow(np.where(own, np.nan, values), cmap="magma_r", vmin=0, vmax=0.2)
        ax.imshow(np.where(own, values, np.nan), cmap="Greens", vmin=0, vmax=1.4)
        for (i, j), value in np.ndenumerate(values):
            bright = value > 0.12 if i != j else value > 0.9
            text = "·" if np.isnan(value) else f"{100 * value:.0f}"
            ax.text(j, i, text, ha="center", va="center", fontsize=7, color="white" if bright else "black")
        titles = [symbols(name.replace("_", " ")) for name in self.names]
        ax.set_xticks(range(len(titles)), titles, rotation=40, ha="left", rotation_mode="anchor")
        ax.xaxis.tick_top()
        ax.set_yticks(range(len(titles)), titles)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        bar = figure.colorbar(shown, ax=ax, shrink=0.7, extend="max")
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
        bar.outline.set_visible(False)
        return figure


def drift_matrix(result: Result, names: Sequence[str]) -> Any:
    """``[k, k]``: flipped shares, means of both directions; successes on the diagonal; NaN where nothing is defined."""
    values = np.full((len(names), len(names)), np.nan)
    for i, edited in enumerate(names):
        for j, judged in enumerate(names):
            if i == j:
                path = [("measures", "edits", edited, "full", side) for side in ("off", "on")]
            else:
                path = [("measures", "drift", edited, side, judged) for side in ("off", "on")]
            found = [value for each in path if (value := result.number(*each)) is not None]
            if len(found) == 2:
                values[i, j] = sum(found) / 2
    return values


def numbers(rows: Sequence[Row]) -> Numbers:
    head = ["Attribute", "Model", "MSE", "Edits to absent", "Edits to present", "Drift", "Factors kept", "Leakage of μ"]
    lines = []
    for row in rows:
        for name in row.evaluated[0].content.get("attribute_names", []) if row.evaluated else []:
            rates = [rate_cell(row.spread_at("measures", "edits", name, "full", side)) for side in ("off", "on")]
            drift = row.spread_at("measures", "drift", name, "mean")
            bits = row.spread_at("measures", "leakage", name, "mean", "bits")
            lines.append(
                [
                    name.replace("_", " "),
                    row.title,
                    mse_cell(row.spread("mse")).value,
                    *(_with_interval(rate) for rate in rates),
                    f"{percent(drift.mean)}%" if drift else "–",
                    rate_cell(row.spread_at("measures", "identity", name, "factors")).value,
                    f"{bits.mean:.2f} bit" if bits else "–",
                ]
            )
    order = {name: i for i, name in enumerate(dict.fromkeys(line[0] for line in lines))}
    note = (
        "All test faces, edited both ways; 95% Wilson intervals. Drift: share of readings of other attributes that "
        "turn over. Factors kept: share of the other attributes that the judge reads as the input has them."
    )
    return Numbers("Every attribute in numbers", note, head, sorted(lines, key=lambda line: order[line[0]]))


COLUMNS = {
    "edit_off": ("edits", "full", "off"),
    "edit_on": ("edits", "full", "on"),
    "drift": ("drift", "mean"),
    "cosine": ("identity", "cosine"),
    "factors": ("identity", "factors"),
    "distance": ("distance",),
    "leakage_bits_sample": ("leakage", "sample", "bits"),
    "leakage_bits_mean": ("leakage", "mean", "bits"),
}
"""Per attribute: where it stands among the measures; the attribute's name follows the first."""


def to_csv(rows: Sequence[Row]) -> str:
    """``table.csv``: one line per row, seed and attribute, edits of all inputs."""
    lines = []
    for row in rows:
        for result in row.evaluated:
            for name in result.content.get("attribute_names", []):
                values = [result.number("measures", first, name, *rest) for first, *rest in COLUMNS.values()]
                lines.append([row.key, result.seed, name, "full", *values])
    return csv_text(["row", "seed", "attribute", "protocol", *COLUMNS], lines)


def said(rows: Sequence[Row]) -> str:
    """Means over the attributes of the models that have several."""
    each = []
    for row in rows:
        names = row.evaluated[0].content.get("attribute_names", []) if row.evaluated else []
        if len(names) > 1:
            edits = [row.spread_at("measures", "edits", name, "full", side) for name in names for side in ("off", "on")]
            drifts = [row.spread_at("measures", "drift", name, "mean") for name in names]
            success, drift = (
                sum(values) / len(values) if (values := [spread.mean for spread in found if spread]) else float("nan")
                for found in (edits, drifts)
            )
            each.append(
                f"{row.title}, {len(names)} attributes: {success:.1%} of the edits succeed, and {drift:.1%} of the "
                "readings of other attributes turn over with them."
            )
    return " ".join(each)


def _with_interval(cell: Cell) -> str:
    return f"{cell.value} ({cell.interval})" if cell.interval else cell.value
