"""JacSup, Table 1: what systems are like, measured where the paper claims."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from facet.report.claims import HIGH
from facet.report.editors import editing
from facet.report.figure_page import Numbers, write_page
from facet.report.results import Result, Row, RowRuns, read_rows
from facet.report.tables import csv_text, decimal, percent

TITLES = {
    "student": "JacSup, last student",
    "many": "IFcVAE-GAN",
    "fader": "Fader Networks",
    "cvae_gan": "cVAE-GAN",
    "icgan": "IcGAN",
}
ADVERSARIAL = {"student": "no", **dict.fromkeys(("many", "fader", "cvae_gan", "icgan"), "yes")}
END_TO_END = {"icgan": "no", **dict.fromkeys(("student", "many", "fader", "cvae_gan"), "yes")}
PAGES = {
    "jacsup-table1": (
        "JacSup, Table 1: what the methods are like",
        "Every system was trained here, on the same data. How many attributes a model controls, and whether they can "
        "be dialled, is measured.",
    )
}
PUBLISHED = (
    ("CoGAN", "yes", "yes", "128×128", "1", "no"),
    ("IcGAN", "no", "yes", "64×64", "18", "no"),
    ("Attribute2Image", "no", "no", "64×64", "1", "yes"),
    ("StarGAN", "yes", "yes", "128×128", "7", "no"),
    ("Fader Networks", "yes", "yes", "256×256", "3", "yes"),
    ("JacSup", "yes", "no", "256×256", "32", "yes"),
)
"""As printed: end to end, adversarial, resolution, attributes in a model, continuous. None needs aligned pairs."""
HEAD = ["Method", "End to end", "Adversarial", "Resolution", "Attributes", "Controlled", "Graded", "MSE", "Parameters"]


def write_report(name: str, runs: Sequence[RowRuns], directory: Path, commands: Sequence[str]) -> Path:
    """Write the page's ``index.html`` and ``table.csv``.

    Returns:
        The path of ``index.html``, which is written last.
    """
    titled = [RowRuns(run.key, TITLES.get(run.key, run.title), run.runs) for run in runs]
    rows = read_rows(titled, [(run.key, run.title) for run in titled])
    lines = [line(row.key, row.title, row.evaluated[0]) for row in rows if row.evaluated]
    note = (
        f"Controlled: attributes whose edits succeed both ways in over {HIGH:.0%} of the test faces on which there is "
        "something to change, with their whole intervals. Graded: of eight steps of an attribute's value from −0.5 to "
        "1.5, the share that raises the judge's logit; 1: a dial, 1/8: a switch. One seed, the first. No method needs "
        "aligned pairs."
    )
    printed = ["Method", "End to end", "Adversarial", "Resolution", "Attributes", "Continuous"]
    tables = [
        Numbers("Measured", note, [*HEAD, "Minutes of training"], lines),
        Numbers("As published", "The paper's Table 1.", printed, [list(each) for each in PUBLISHED]),
    ]
    title, caption = PAGES[name]
    return write_page(title, caption, said(rows), rows, ([], {}, tables), to_csv(rows), directory, commands)


def line(key: str, title: str, result: Result) -> list[str]:
    """A row of the table in words."""
    names = result.content["attribute_names"]
    side = result.number("measures", "resolution")
    grade = graded(result)
    mse, seconds = result.value("mse"), result.number("training", "seconds")
    return [
        title,
        END_TO_END.get(key, "–"),
        ADVERSARIAL.get(key, "–"),
        f"{side:.0f}×{side:.0f}" if side else "–",
        str(len(names)),
        str(len(controlled(result))),
        "–" if grade is None else f"{percent(grade)}%",
        "–" if mse is None else decimal(mse),
        f"{sum((result.at('training', 'parameters') or {}).values()):,}",
        "–" if seconds is None else f"{seconds / 60:.1f}",
    ]


def controlled(result: Result) -> list[str]:
    """The attributes that both directions of an edit move in over ``HIGH`` of the faces where there is need to."""
    found = editing(result)
    return found.controlled if found else []


def graded(result: Result) -> float | None:
    """The mean over the attributes."""
    shares = [result.number("measures", "continuity", name) for name in result.content["attribute_names"]]
    known = [share for share in shares if share is not None]
    return fmean(known) if known else None


def said(rows: Sequence[Row]) -> str:
    """How many attributes each controls, in words."""
    each = []
    for row in rows:
        for result in row.evaluated[:1]:
            names = result.content["attribute_names"]
            each.append(f"{row.title} controls {len(controlled(result))} of {len(names)}")
    return f"Attributes in one model: {'; '.join(each)}." if each else "No run has been evaluated yet."


COLUMNS = ("row", "seed", "end_to_end", "adversarial", "resolution", "attributes", "controlled", "graded", "mse")


def to_csv(rows: Sequence[Row]) -> str:
    """``table.csv``: a line per run."""
    lines = []
    for row in rows:
        for result in row.evaluated:
            said = [END_TO_END.get(row.key), ADVERSARIAL.get(row.key), result.number("measures", "resolution")]
            counts = [len(result.content["attribute_names"]), len(controlled(result)), graded(result)]
            cost = [sum((result.at("training", "parameters") or {}).values()), result.number("training", "seconds")]
            lines.append([row.key, result.seed, *said, *counts, result.value("mse"), *cost])
    return csv_text([*COLUMNS, "parameters", "seconds"], lines)
