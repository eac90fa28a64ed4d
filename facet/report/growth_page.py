"""The pages of JacSup §3: Figure 1, Figure 2 and the trade-off, from the same runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from facet.report import growth_figures
from facet.report.figure_page import Drawn, Numbers, Picture, Shown, write_page
from facet.report.figures import Scheme
from facet.report.growth_results import (
    fidelity_lines,
    judge_accuracy,
    layout_kept,
    stages_of,
    summary,
    summary_lines,
    to_csv,
)
from facet.report.published import PublishedCurve, load_curve
from facet.report.results import Row, RowRuns, read_rows

TITLES = {
    "chain": "with Jacobian supervision, the paper's chain",
    "control": "grown without Jacobian supervision",
    "scratch": "every size from scratch",
    "best": "beyond the paper: the first two units alone held",
    "original": "beyond the paper: the first teacher throughout",
}
SHORT = {
    "chain": "supervised",
    "control": "unsupervised",
    "scratch": "from scratch",
    "best": "best",
    "original": "first teacher",
}
PAGES = {
    "jacsup-figure1": (
        "JacSup, Figure 1: control that survives growth",
        "An autoencoder of MNIST digits whose code grows from 2 units to its full size, each student under the "
        "Jacobian of its teacher. What the first two units do, before and after, with and without supervision.",
    ),
    "jacsup-figure2": (
        "JacSup, Figure 2: the units that growth discovers",
        "Each row varies one new unit for one test digit, from its 2nd to its 98th percentile, and leaves the others "
        "as they are.",
    ),
    "jacsup-tradeoff": (
        "JacSup: reconstruction against control, for every code size",
        "Swaps ok: among pairs of test digits whose reconstructions the judge reads as different classes, the share in "
        "which swapping the first two units of the code hands over the class. Up and left is better.",
    ),
}


def write_report(name: str, runs: Sequence[RowRuns], directory: Path, commands: Sequence[str]) -> Path:
    """Write a page's ``index.html`` and all that lies beside it, each file whole or not at all.

    Returns:
        The path of ``index.html``, which is written last.
    """
    titled = [RowRuns(run.key, TITLES.get(run.key, run.title), run.runs) for run in runs]
    rows = read_rows(titled, [(run.key, run.title) for run in titled])
    draw = {"jacsup-figure1": _figure1, "jacsup-figure2": _figure2, "jacsup-tradeoff": _tradeoff}[name]
    title, caption = PAGES[name]
    return write_page(title, caption, summary(rows), rows, draw(rows), to_csv(rows), directory, commands)


def _figure1(rows: Sequence[Row]) -> Drawn:
    panels, lines = [], []
    by_key = {row.key: row.evaluated[0] for row in rows if row.evaluated}
    drawn: dict[str, Any] = {}
    shown: list[Shown] = []
    if "chain" in by_key:
        pictures = growth_figures.read_pictures(by_key["chain"].directory)
        first = min(name for name in pictures if name.startswith("grid"))
        panels.append((f"(a) the first teacher, k = {int(first[4:])}, d = 0", pictures[first]))
        teacher = pictures[f"classes{first[4:]}"]
        letters = {"chain": "(b)", "control": "(c)", "scratch": "(c)"}
        for key, result in by_key.items():
            found = growth_figures.read_pictures(result.directory)
            last = max(name for name in found if name.startswith("grid"))
            size = int(last[4:])
            panels.append((f"{letters.get(key, '')} k + d = {size}, {TITLES[key]}", found[last]))
            lines.append([TITLES[key], str(size), f"{layout_kept(teacher, found[f'classes{last[4:]}']):.0%}"])
        drawn["grids"] = lambda scheme: growth_figures.decoder_grids(panels, scheme)
        shown.append(
            Shown(
                "grids",
                "What the first two units do",
                "Decoder output over a grid of the first two units, from -2 to 2; the other units at their mean over "
                "the test split. One seed, the first.",
            )
        )
        drawn["curves"] = lambda scheme: growth_figures.learning_curves(by_key["chain"], scheme)
        caption = "(d) The split that is watched during training, logarithmic; grey bars: a unit was opened."
        shown.append(Shown("curves", "Performance as the student grows", caption))
    head = ["", "code size", "grid points read as in (a)"]
    note = "The share of the grid at which the judge reads the same digit as the first teacher's."
    return shown, drawn, [Numbers("The class layout of (a), kept or not", note, head, lines), *_numbers(rows)]


def _figure2(rows: Sequence[Row]) -> Drawn:
    pictures = [growth_figures.read_pictures(result.directory) for row in rows for result in row.evaluated][:1]
    if not pictures:
        return [], {}, []

    def units(scheme: Scheme) -> Figure:
        return growth_figures.traversals(pictures[0], scheme)

    caption = "Three test digits, the same in every block: the first of three classes. One seed, the first."
    moving = Shown("traversal", "The same, moving", "A column per unit, a row per digit.")
    drawn: dict[str, Picture] = {"units": units, "traversal": growth_figures.animation(pictures[0])}
    return [Shown("units", "Each new unit", caption), moving], drawn, _numbers(rows)


def _tradeoff(rows: Sequence[Row]) -> Drawn:
    theirs = load_curve("jacsup-tradeoff")
    caption = (
        "From code size 2 to the widest, some sizes named. One seed: bars are 95% Wilson intervals. Several: thin "
        "lines are seeds, with their mean in front; the intervals are in the table. Dashes: a line's ceiling. "
        f"Squares: {theirs.title} ({theirs.citation}). {theirs.note}"
    )
    drawn = {"tradeoff": lambda scheme: growth_figures.tradeoff(rows, theirs, scheme)}
    return [Shown("tradeoff", "The trade-off", caption)], drawn, _numbers(rows, theirs)


def _numbers(rows: Sequence[Row], published: PublishedCurve | None = None) -> list[Numbers]:
    evaluated = [row for row in rows if row.evaluated]
    columns = "MSE", "swaps ok", "ceiling"
    head = ["code size", *(f"{SHORT[row.key]}: {what}" for row in evaluated for what in columns)]
    head += [f"{published.title}: {what}" for what in columns[:2]] if published else []
    accuracy = next((judge_accuracy(result) for row in evaluated for result in row.evaluated), None)
    n = {stage.swaps.n for row in evaluated for result in row.evaluated for stage in stages_of(result)}
    note = (
        "Test split, evaluation mode. One seed: 95% Wilson interval; several: mean ± sd. Ceiling: the share of these "
        "swaps in which the units that are handed over tell the class (nearest neighbours; an estimate from below). "
    )
    if accuracy is not None and n:
        note += (
            f"The judge is right on {accuracy:.2%} of the real test digits. Pairs per rate: {min(n):,} to {max(n):,}."
        )
    found = [Numbers("Every code size", note, head, summary_lines(evaluated, published))]
    for row in evaluated:
        if lines := fidelity_lines(row):
            note = (
                "‖J_S v - J_T v‖² / ‖J_T v‖², exact derivatives: 0 where eq. 1 holds, 1 where the units are ignored. "
                "Against the stage before (all of its units) and the first teacher (its own), towards other digits' "
                "codes (data) and along single units (canonical)."
            )
            head = ["code size", "previous, data", "previous, canonical", "original, data", "original, canonical"]
            found.append(Numbers(f"How well eq. 1 holds: {row.title}", note, head, lines))
    return found
