"""The pages of JacSup §4: Figure 3, what growth does to reconstruction and control; Figure 4, every attribute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facet.measures.intervals import Rate
from facet.report import many_attributes, values_strips
from facet.report.claims import HIGH
from facet.report.editors import CHANGE, HEAD, NOTE, TURNED, Editing, mean_percent, stages_of
from facet.report.figure_page import Drawn, Numbers, Picture, Shown, write_page
from facet.report.results import Row, RowRuns, read_rows
from facet.report.staged_figures import CAPTION, Curves
from facet.report.tables import csv_text, decimal, percent

TITLES = {
    "student": "with Jacobian supervision",
    "no_jacobian": "without it, and nothing in its place",
    "control": "without it: the teacher's losses go on",
    "fader": "Fader Networks",
}
PAGES = {
    "jacsup-figure3": (
        "JacSup, Figure 3: a code that grows, and keeps its control",
        "A teacher learns to reconstruct faces and to edit named attributes; students of twice and four times its "
        "latent reconstruct better, with Jacobian supervision and without.",
    ),
    "jacsup-figure4": (
        "JacSup, Figure 4: every attribute, one model",
        "The same test faces with each attribute amplified and removed by the last student, and what the judge says.",
    ),
    "jacsup-figure5": (
        "JacSup, Figure 5: beside Fader Networks",
        "Fader Networks, with as many numbers in the latent as the teacher, as many epochs as teacher and students "
        "together, and the same attributes in one model. They are given the labels; teacher and student predict y.",
    ),
}


def write_report(name: str, runs: Sequence[RowRuns], directory: Path, commands: Sequence[str]) -> Path:
    """Write a page's ``index.html`` and all that lies beside it, each file whole or not at all.

    Returns:
        The path of ``index.html``, which is written last.
    """
    titled = [RowRuns(run.key, TITLES.get(run.key, run.title), run.runs) for run in runs]
    rows = read_rows(titled, [(run.key, run.title) for run in titled])
    title, caption = PAGES[name]
    drawn, said = (_figure4(rows), controlled(rows)) if name == "jacsup-figure4" else (_growth(rows), summary(rows))
    return write_page(title, caption, said, rows, drawn, to_csv(rows), directory, commands)


def summary(rows: Sequence[Row]) -> str:
    """The widest student of every row against its teacher, in words."""
    said = []
    for row in rows:
        for result in row.evaluated[:1]:
            if not (stages := stages_of(result)):
                said.append(f"{row.title[:1].upper()}{row.title[1:]}: training diverged.")
                continue
            teacher, student = stages[0], stages[-1]
            if teacher is student:
                numbers = f"MSE {decimal(student.mse)}, edits that succeed {percent(student.success)}%"
                said.append(f"{row.title}: {numbers}, drift {mean_percent(student.drift)}.")
                continue
            said.append(
                f"{row.title[:1].upper()}{row.title[1:]}: MSE {decimal(teacher.mse)} to {decimal(student.mse)}, "
                f"{student.mse / teacher.mse:.2f} of the teacher's; edits that succeed {percent(teacher.success)}% to "
                f"{percent(student.success)}%; drift {mean_percent(teacher.drift)} to {mean_percent(student.drift)}."
            )
    return " ".join(said) or "No run has been evaluated yet: there is nothing to report."


def controlled(rows: Sequence[Row]) -> str:
    """How many attributes the judge finds controlled; the paper counts 32 of 40 by eye."""
    for stages in (stages_of(result) for row in rows for result in row.evaluated):
        if not stages:
            continue
        student = stages[-1]
        lost = [name.replace("_", " ") for name in student.edits if name not in student.controlled]
        text = f"{len(student.controlled)} of {len(student.edits)} attributes are controlled: both directions "
        text += f"succeed in over {HIGH:.0%} of the cases where there is something to change, with whole intervals."
        return text + (f" Not controlled: {', '.join(lost)}." if lost else "")
    return "No run has been evaluated yet: there is nothing to report."


def _growth(rows: Sequence[Row]) -> Drawn:
    """Curves of what grows, faces of the first and the last stage, and every stage in numbers."""
    shown: list[Shown] = []
    pictures: dict[str, Picture] = {}
    evaluated = [row for row in rows if row.evaluated and stages_of(row.evaluated[0])]
    if evaluated:
        pictures["curves"] = Curves(evaluated)
        shown.append(Shown("curves", "As the code grows", CAPTION))
    for row in evaluated:
        for who, prefix in _faces_of(row, with_teacher=row is evaluated[0]):
            if picture := many_attributes.turned(row.evaluated[0], prefix):
                name = f"faces-{row.key}-{prefix}".rstrip("-")
                pictures[name] = picture
                shown.append(Shown(name, who, many_attributes.TURNED))
    head = ["", "seed", *HEAD, "MSE, of the teacher's"]
    lines = [
        [row.title, str(result.seed), *stage.cells(), _of_the_teacher(stages_of(result), stage.mse)]
        for row in evaluated
        for result in row.evaluated
        for stage in stages_of(result)
    ]
    return shown, pictures, [Numbers("Stage by stage", NOTE, head, lines)]


def _of_the_teacher(stages: Sequence[Editing], mse: float) -> str:
    """An MSE against that of the first of several stages; an editor of one stage has no teacher."""
    return f"{mse / stages[0].mse:.2f}" if len(stages) > 1 else "–"


def _faces_of(row: Row, with_teacher: bool) -> list[tuple[str, str]]:
    """Whose faces a page shows of a row, and what their names in ``examples.npz`` begin with."""
    stages = stages_of(row.evaluated[0])
    if len(stages) == 1:
        return [(row.title, "")]
    teacher = [("The teacher", f"{stages[0].nuisance}-")] if with_teacher else []
    return [*teacher, (f"The last student, {row.title}", "")]


def _figure4(rows: Sequence[Row]) -> Drawn:
    pictures: dict[str, Picture] = {}
    shown: list[Shown] = []
    lines: list[list[str]] = []
    for row in rows:
        if not row.evaluated or not stages_of(row.evaluated[0]):
            continue
        result = row.evaluated[0]
        shown += many_attributes.many(row.key, result, pictures)
        shown += values_strips.shown(row.key, result, pictures)
        student = stages_of(result)[-1]
        for name, (off, on) in student.edits.items():
            rest = [f"{percent(of[name])}%" if name in of else "–" for of in (student.drift, student.change)]
            verdict = "controlled" if name in student.controlled else "not controlled"
            lines.append([name.replace("_", " "), _rate(off), _rate(on), *rest, verdict])
    head = ["Attribute", "Taken away", "Given", "Drift", "True change made", ""]
    note = (
        "Test faces on which there is something to change, 95% Wilson intervals. Controlled: both intervals above "
        f"{HIGH:.0%}. {CHANGE}"
    )
    return shown, pictures, [Numbers("Which attributes the model controls", note, head, lines)]


def _rate(rate: Rate) -> str:
    return f"{percent(rate.value)}% ({percent(rate.low)}–{percent(rate.high)}%)"


def to_csv(rows: Sequence[Row]) -> str:
    """``table.csv``: a line per run, stage and attribute."""
    head = ["row", "seed", "nuisance", "parameters", "mse", "attribute", *TURNED, "drift", "true_change"]
    lines = []
    for row in rows:
        for result in row.evaluated:
            for s in stages_of(result):
                for name, (off, on) in s.edits.items():
                    rest = [off.value, on.value, s.drift.get(name), s.change.get(name)]
                    lines.append([row.key, result.seed, s.nuisance, s.parameters, s.mse, name, *rest])
    return csv_text(head, lines)
