"""All systems by all measures on one data set: a table to sort, and where each of two aims costs the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from facet.report import figures
from facet.report.compare_plots import plots
from facet.report.editors import HEAD, NOTE, editing
from facet.report.figure_page import Numbers, write_files
from facet.report.page import data_uri, origins, template
from facet.report.panels import count, number
from facet.report.results import ATTRIBUTE, PATHS, Result, Row, RowRuns, Spread, read_rows
from facet.report.tables import Cell, csv_text, mse_cell, rate_cell

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
    "many": "IFcVAE-GAN, several attributes",
    "fader_many": "Fader Networks, several attributes",
    "student": "JacSup",
    "control": "JacSup, the teacher's losses go on",
    "beta_vae": "β-VAE",
    "dip_vae_i": "DIP-VAE I",
    "dip_vae_ii": "DIP-VAE II",
    "classifier": "ResNet-18 classifier",
}


LAST_ALONE = ("control",)
"""Of rows that are trained in stages, those of which only the last is shown: their teacher is another row's."""


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


def attributes(result: Result) -> float | None:
    """That the model can edit."""
    return len(result.content["attribute_names"])


MEASURES = "measures"
COLUMNS = (
    Column("attributes", "Model", "attributes", "", attributes, _counted),
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
    at("counterfactual_mse", "True edit", "MSE", "down", mse_cell, MEASURES, "counterfactual", ATTRIBUTE, "mse"),
    at("counterfactual_ssim", "True edit", "SSIM", "up", _plain(3), MEASURES, "counterfactual", ATTRIBUTE, "ssim"),
    at(
        "distance_of_reconstruction",
        "Feature distance",
        "rec.",
        "down",
        _plain(2),
        MEASURES,
        "distance_of_reconstruction",
    ),
    at("distance", "Feature distance", "edits", "down", _plain(2), MEASURES, "distance", ATTRIBUTE),
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
    whole = read_rows(titled, [(run.key, run.title) for run in titled])
    rows = tuple(stage for row in whole for stage in by_stage(row))
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
        several=several(rows),
    )
    return write_files(files, page, directory)


def by_stage(row: Row) -> tuple[Row, ...]:
    """A row of a method that is trained in stages as one row per stage; any other as it is."""
    stages = [result.at_stages() for result in row.results]
    most = max(map(len, stages), default=1)
    if most == 1 or row.key in LAST_ALONE:
        return (row,)
    found = []
    for back in range(most, 0, -1):
        results = tuple(each[-back] for each in stages if len(each) >= back)
        size = next((size for result in results if (size := result.at("measures", "nuisance"))), "unknown size")
        who = "teacher" if back == most else "student"
        found.append(Row(f"{row.key}-{size}", f"{row.title}, {who} of {size}", results))
    return tuple(found)


def several(rows: Sequence[Row]) -> Numbers | None:
    """The means over all attributes of the models that have several, or None where there is no such model."""
    lines = [
        [row.title, *found.cells()]
        for row in rows
        for result in row.evaluated[:1]
        if (found := editing(result)) and len(found.edits) > 1
    ]
    note = f"{NOTE} One seed, the first."
    return Numbers("Several attributes in one model", note, ["System", *HEAD], lines) if lines else None


def groups() -> list[tuple[str, int]]:
    """The headings above the columns and how many columns each spans."""
    names = [column.group for column in COLUMNS]
    return [(name, names.count(name)) for name in dict.fromkeys(names)]


def leading(rows: Sequence[Row], column: Column) -> str | None:
    """The key of the row that is best in a column; rows whose edits can't be interpreted yet don't compete."""
    means = {row.key: spread.mean for row in rows if row.interpretable and (spread := column.spread(row))}
    if not means or column.group in ("Cost", "Model"):
        return None
    return (max if column.better == "up" else min)(means, key=lambda key: means[key])


def to_csv(rows: Sequence[Row]) -> str:
    """``table.csv``: one line per row, seed and attribute, edits of all inputs."""
    ends_of = ("edit_off_low", "edit_off_high", "edit_on_low", "edit_on_high", "n")
    head = ["row", "seed", "attribute", "protocol", *(column.key for column in COLUMNS), *ends_of]
    lines = []
    for row in rows:
        for result in (each for run in row.evaluated for each in run.by_attribute()):
            off, on = (result.rate(*PATHS[f"full_{side}"]) for side in ("off", "on"))
            ends = [off.low, off.high, on.low, on.high, on.n] if off and on else [""] * 5
            which = [row.key, result.seed, result.chosen, "full" if result.chosen else ""]
            lines.append([*which, *(column.of(result) for column in COLUMNS), *ends])
    return csv_text(head, lines)
