"""All systems by all measures on one data set: a table to sort, and where each of two aims costs the other."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter

from facet.report import figures
from facet.report.figure_page import write_files
from facet.report.figures import COLOURS, INK, Scheme
from facet.report.page import data_uri, origins, template
from facet.report.panels import count, number
from facet.report.results import ATTRIBUTE, PATHS, Result, Row, RowRuns, Spread, read_rows
from facet.report.tables import Cell, mse_cell, rate_cell

PAGES = {
    "compare": (
        "All systems, all measures",
        "Every system was trained here on the same data, edits the same test faces and is read by the same judge.",
    )
}
TITLES = {
    "ours": "IFcVAE-GAN",
    "best": "IFcVAE-GAN, best",
    "high_kl": "IFcVAE-GAN, more KL",
    "no_aux": "without L_aux",
    "no_kl": "without L_KL",
    "no_gan": "without L_gan",
    "cvae_gan": "cVAE-GAN",
    "icgan": "IcGAN",
    "fader": "Fader Networks",
    "beta_vae": "β-VAE",
    "dip_vae_i": "DIP-VAE I",
    "dip_vae_ii": "DIP-VAE II",
    "classifier": "ResNet-18 classifier",
}


@dataclass(frozen=True)
class Column:
    """A measure of the page.

    Attributes:
        key: the column's name in ``table.csv``.
        group: the heading above.
        title: the heading.
        better: ``up``, ``down``, or empty where neither is.
        of: a run's number.
        cell: how the seeds' numbers are worded.
        path: where the number stands in ``results.json``, if it stands there as it is: rates have an interval then.
    """

    key: str
    group: str
    title: str
    better: str
    of: Callable[[Result], float | None]
    cell: Callable[[Spread | None], Cell]
    path: tuple[str, ...] = ()

    def spread(self, row: Row) -> Spread | None:
        """Over the seeds, or None where no seed has it."""
        if self.path:
            return row.spread_at(*self.path)
        values = [value for result in row.evaluated if (value := self.of(result)) is not None]
        return Spread(tuple(values), None, None, ()) if values else None


def at(key: str, group: str, title: str, better: str, cell: Callable[[Spread | None], Cell], *path: str) -> Column:
    """A column of what stands in ``results.json``."""
    return Column(key, group, title, better, lambda result: result.number(*path), cell, path)


def parameters(result: Result) -> float | None:
    """Of all networks, those that only training needs included."""
    sizes = result.at("training", "parameters")
    return float(sum(sizes.values())) if sizes else None


def speed(result: Result) -> float | None:
    """Images per second in training."""
    images, seconds = result.number("training", "images_seen"), result.number("training", "seconds")
    return images / seconds if images and seconds else None


def _plain(digits: int) -> Callable[[Spread | None], Cell]:
    return partial(number, digits=digits)


def _counted(spread: Spread | None) -> Cell:
    return Cell(count(spread.mean)) if spread else Cell()


def _minutes(spread: Spread | None) -> Cell:
    return Cell(f"{spread.mean / 60:.1f}") if spread else Cell()


MEASURES = "measures"
COLUMNS = (
    at("mse", "Reconstruction", "MSE", "down", mse_cell, *PATHS["mse"]),
    at("reconstruction_on", "Reconstruction", "present kept", "up", rate_cell, *PATHS["reconstruction_on"]),
    at("reconstruction_off", "Reconstruction", "absent kept", "up", rate_cell, *PATHS["reconstruction_off"]),
    at("edit_off", "Edits", "to absent", "up", rate_cell, *PATHS["full_off"]),
    at("edit_on", "Edits", "to present", "up", rate_cell, *PATHS["full_on"]),
    at("leakage_bits_sample", "Leakage, bit", "ẑ", "down", _plain(2), *PATHS["leakage_bits_sample"]),
    at("leakage_bits_mean", "Leakage, bit", "μ", "down", _plain(2), *PATHS["leakage_bits_mean"]),
    at("drift", "What else changes", "drift", "down", rate_cell, *PATHS["drift"]),
    at("factors", "What else changes", "factors kept", "up", rate_cell, MEASURES, "identity", ATTRIBUTE, "factors"),
    at("cosine", "What else changes", "cosine", "up", _plain(3), MEASURES, "identity", ATTRIBUTE, "cosine"),
    at("counterfactual", "True edit", "MSE", "down", mse_cell, MEASURES, "counterfactual", ATTRIBUTE, "mse"),
    at("ssim", "True edit", "SSIM", "up", _plain(3), MEASURES, "counterfactual", ATTRIBUTE, "ssim"),
    at("distance", "Feature distance", "rec.", "down", _plain(2), MEASURES, "distance", "reconstruction"),
    at("distance_edits", "Feature distance", "edits", "down", _plain(2), MEASURES, "distance", ATTRIBUTE),
    at("accuracy", "Classifier", "Acc(E_y)", "up", rate_cell, *PATHS["accuracy"]),
    Column("parameters", "Cost", "parameters", "down", parameters, _counted),
    at("seconds", "Cost", "minutes", "down", _minutes, "training", "seconds"),
    Column("images_per_second", "Cost", "images/s", "up", speed, _plain(0)),
)


def write_report(name: str, runs: Sequence[RowRuns], directory: Path, commands: Sequence[str]) -> Path:
    """Write the page's ``index.html``, ``table.csv`` and figures.

    Returns:
        The path of ``index.html``, which is written last.
    """
    titled = [RowRuns(run.key, TITLES.get(run.key, run.title), run.runs) for run in runs]
    rows = read_rows(titled, [(run.key, run.title) for run in titled])
    title, caption = PAGES[name]
    files: dict[str, bytes] = {"table.csv": to_csv(rows).encode()}
    for key, draw in plots(rows).items():
        for kind in ("png", "pdf"):
            files[f"{key}.{kind}"] = figures.save(draw, kind)
        files[f"{key}-dark.png"] = figures.save(draw, "png", "dark")
    attributes = {result.attribute for row in rows for result in row.evaluated if result.content["attribute_names"]}
    page = template("compare.html.j2").render(
        title=title,
        caption=caption,
        rows=rows,
        columns=COLUMNS,
        groups=groups(),
        attribute=", ".join(sorted(attributes)),
        best={column.key: leading(rows, column) for column in COLUMNS},
        many_seeds=any(len(row.evaluated) > 1 for row in rows),
        missing=[(row, result) for row in rows for result in row.missing],
        figures={file.removesuffix(".png"): data_uri(png) for file, png in files.items() if file.endswith(".png")},
        origins=origins(rows),
        commands=commands,
    )
    return write_files(files, page, directory)


def groups() -> list[tuple[str, int]]:
    """The headings above the columns and how many columns each spans."""
    names = [column.group for column in COLUMNS]
    return [(name, names.count(name)) for name in dict.fromkeys(names)]


def leading(rows: Sequence[Row], column: Column) -> str | None:
    """The key of the row that is best in a column; rows whose edits can't be interpreted yet don't compete."""
    means = {row.key: spread.mean for row in rows if row.interpretable and (spread := column.spread(row))}
    if not means or column.group == "Cost":
        return None
    return (max if column.better == "up" else min)(means, key=lambda key: means[key])


def to_csv(rows: Sequence[Row]) -> str:
    """``table.csv``: one line per row and seed, empty where there is no number."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    ends_of = ("edit_off_low", "edit_off_high", "edit_on_low", "edit_on_high", "n")
    writer.writerow(["row", "seed", *(column.key for column in COLUMNS), *ends_of])
    for row in rows:
        for result in row.evaluated:
            off, on = (result.rate(*PATHS[f"full_{side}"]) for side in ("off", "on"))
            ends = [off.low, off.high, on.low, on.high, on.n] if off and on else [""] * 5
            writer.writerow([row.key, result.seed, *(column.of(result) for column in COLUMNS), *ends])
    return file.getvalue()


# ---------------------------------------------------------------------- plots


def control(result: Result) -> float | None:
    """The mean of both edit rates, all test faces edited both ways."""
    rates = [result.value(f"full_{side}") for side in ("off", "on")]
    return None if rates[0] is None or rates[1] is None else (rates[0] + rates[1]) / 2


def plots(rows: Sequence[Row]) -> dict[str, Callable[[Scheme], Figure]]:
    """Reconstruction against control, and control against leakage."""
    return {
        "reconstruction": lambda scheme: _plane(rows, "mse", "MSE of reconstructions", scheme, logarithmic=True),
        "leakage": lambda scheme: _plane(rows, "leakage_bits_mean", "leakage of μ, bit", scheme),
    }


def _plane(rows: Sequence[Row], quantity: str, label: str, scheme: Scheme, logarithmic: bool = False) -> Figure:
    """A dot per seed; the line joins the rows of which no other is better in both."""
    figure = Figure(figsize=(8.2, 4.6), layout="constrained")
    ax: Axes = figure.subplots()
    means: dict[str, tuple[float, float]] = {}
    titles: list[tuple[str, tuple[float, float]]] = []
    for i, row in enumerate(rows):
        points = [
            (x, y) for r in row.evaluated if (x := r.value(quantity)) is not None and (y := control(r)) is not None
        ]
        if not points:
            continue
        colour = COLOURS[scheme][i % len(COLOURS[scheme])]
        x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
        face = colour if row.interpretable else INK[scheme][2]
        if len(points) > 1:
            ax.plot(*zip(*points, strict=True), "o", color=colour, markersize=3, alpha=0.45)
        ax.plot(x, y, "o", color=colour, markerfacecolor=face, markersize=7)
        titles.append((row.title, (x, y)))
        if row.interpretable:
            means[row.key] = x, y
    if len(front := pareto(list(means.values()))) > 1:
        ax.plot(*zip(*front, strict=True), color=INK[scheme][0], linewidth=0.8, alpha=0.5, zorder=0)
    if logarithmic and means:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(f"{label} (less is better)")
    ax.set_ylabel("edits that succeed")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.grid()
    ax.tick_params(length=0)
    ax.margins(0.12)
    figure.draw_without_rendering()  # so that it is known where the dots lie
    for (title, point), height in zip(
        titles, apart([tuple(ax.transData.transform(at)) for _, at in titles]), strict=True
    ):
        text = figures.symbols(title)
        ax.annotate(text, point, xytext=(7, height), textcoords="offset points", fontsize=8, va="center")
    return figure


def apart(dots: Sequence[Sequence[float]], width: float = 110.0, height: float = 15.0) -> list[float]:
    """How far above its dot each title stands, so that none covers another: downwards, from the highest dot on.

    Args:
        dots: (x, y) in pixels.
        width: within which two titles may meet.
        height: of a title.
    """
    found = [0.0] * len(dots)
    placed: list[tuple[float, float]] = []
    for i in sorted(range(len(dots)), key=lambda i: -dots[i][1]):
        x, y = dots[i]
        for other, level in sorted(placed, key=lambda each: -each[1]):
            if abs(x - other) < width and abs(y - level) < height:
                y = level - height
        placed.append((x, y))
        found[i] = (y - dots[i][1]) * 72 / 100  # pixels at matplotlib's 100 to the inch
    return found


def pareto(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those of which no other has a smaller (or the same) x and a larger y, in the order of x."""
    front: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or y > front[-1][1]:
            front.append((x, y))
    return front
