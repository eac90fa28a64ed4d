"""Faces with every attribute turned over, a line each: + gives it to a face without it, − takes it from one with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.figure import Figure as Drawing

from facet.measures.drawn import read_examples
from facet.report import strips
from facet.report.blocks import Block, Figure
from facet.report.context import Context
from facet.results import Result
from facet.rows import Row

MOST = 24
"""Attributes in one figure; the next figure shows the next ones."""
SIGN = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
ALT = "The same test faces, one line per attribute, each line with one attribute turned over"


def render(
    page: Context, rows: Sequence[str] | str = "several", heading: str = "", first: str = "", last: str = ""
) -> list[Block]:
    """Figures of every row's first run.

    Args:
        rows: which.
        heading: above the figures of a run without stages, a template in which ``row`` is the row.
        first: the same for the first stage of a run. It is shown once, for the first row that has stages, since all
            rows grow from the same one; it isn't shown if this is empty.
        last: the same for a run with stages as it ended.
    """
    made: list[Block] = []
    for row in page.chosen(rows):
        if not row.evaluated or row.evaluated[0].diverged:
            continue
        if row.stages > 1 and first:
            width = row.evaluated[0].value("nuisance", stage=0) or 0
            made += _figures(row, f"{width:.0f}-", page.texts.fill(first, row=row))
            first = ""
        made += _figures(row, "", page.texts.fill(last if row.stages > 1 else heading, row=row))
    return made


def _figures(row: Row, prefix: str, title: str) -> Iterator[Figure]:
    """Of the row's first run, with what names its stage in ``examples.npz``."""
    names = row.evaluated[0].attribute_names
    faces = _read(row.evaluated[0], prefix)
    for start in range(0, len(names) if faces else 0, MOST):
        name = f"{row.key}-faces-{prefix}{start // MOST or ''}".rstrip("-")
        yield Figure(name, partial(_draw, faces, names, slice(start, start + MOST)), ALT, title)


def _read(result: Result, prefix: str) -> Mapping[str, Any]:
    """The run's faces, their reconstructions and edits; empty where a part of them is missing."""
    names = [prefix + name for name in ("faces", "faces_reconstruction", "turned", "turned_on")]
    found = read_examples(result.directory, lambda name: name in names)
    if set(found) != set(names) or len(found[f"{prefix}turned"]) != len(result.attribute_names):
        return {}
    return {name.removeprefix(prefix): array for name, array in found.items()}


def _draw(faces: Mapping[str, Any], names: Sequence[str], part: slice) -> Drawing:
    lines = [("original", faces["faces"]), ("reconstruction", faces["faces_reconstruction"])]
    lines += [(name.replace("_", " "), edits) for name, edits in zip(names[part], faces["turned"][part], strict=True)]
    figure = strips.draw(lines, (1.9 + 0.8 * len(faces["faces"]), 0.82 * len(lines)))
    side = faces["faces"].shape[-1]
    for ax, gave in zip(figure.axes[2:], faces["turned_on"][part], strict=True):
        for i, given in enumerate(gave):
            where = ((i + 0.09) * side, 0.12 * side)
            ax.text(*where, "+" if given else "−", fontsize=7, color="black", ha="center", va="center", bbox=SIGN)
    return figure
