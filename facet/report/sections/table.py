"""A table of measures: what a line is, and what its columns are, say the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from facet.errors import check_known
from facet.measures.registry import MEASURES
from facet.report.blocks import Block, Head, Table, TableLine
from facet.report.cells import Cell, cell
from facet.report.columns import Column
from facet.report.context import Context
from facet.report.lines import LINES, by_stage
from facet.rows import Row, Spread


def render(
    page: Context,
    columns: Sequence[str | Mapping[str, Any]],
    lines: str = "row",
    rows: Sequence[str] | str = "all",
    across: bool = False,
    first: str = "Model",
    notes: Sequence[str] = (),
    flags: bool = False,
    unjudged: bool = False,
    sortable: bool = False,
    stages: Sequence[str] = ("first stage", "later stage"),
    mean: str = "",
    curve: bool = False,
    each: bool = False,
) -> list[Block]:
    """A table.

    Args:
        columns: see :class:`facet.report.columns.Column`.
        lines: ``row``, ``run`` (row and seed), ``run_stage``, ``row_stage``, ``stage`` (by code size, rows across),
            ``attribute``, ``attribute_row``, ``other`` (attributes that an edit doesn't mean).
        rows: which.
        across: the columns stand once for each row, so that a line compares rows; a single column is headed by the row.
        first: the head of the first column.
        notes: below the table.
        flags: whether what keeps a row from being read stands beside its title.
        unjudged: whether rows without numbers have a line.
        sortable: whether a click on a head sorts, and the best of a column is bold.
        stages: what the first and the later stages are called where ``lines`` is ``row_stage``.
        mean: the measure of a last line, where ``lines`` is ``other``.
        curve: whether the page's published curve stands beside the stages.
        each: whether every row has a table of its own, below its title.
    """
    if each:
        settings: Any = {"across": across, "first": first, "notes": notes, "flags": flags, "sortable": sortable}
        tables = [(row.title, render(page, columns, lines, [row.key], **settings)) for row in page.chosen(rows)]
        return [block for title, table in tables if table for block in (title, *table)]
    shown = [column for column in map(Column.of, columns) if not column.when or page.texts.value(column.when, {})]
    chosen = [row for row in page.chosen(rows) if unjudged or row.evaluated]
    check_known(lines, LINES, f"{page.page.name}: lines={lines}")
    if not shown:
        return []
    found = LINES[lines](by_stage(chosen, stages) if lines == "row_stage" else chosen, shown[0].measure)
    if not found:
        return []
    fill = page.texts.fill
    if not across:
        heads = [Head(fill(column.head), fill(column.group), column.better, column.published) for column in shown]
    elif len(shown) == 1:
        heads = [Head(row.title) for row in chosen]
    else:
        pairs = [(row, column) for row in chosen for column in shown]
        heads = [Head(fill(column.head), row.title, column.better, column.published) for row, column in pairs]
    made = [
        TableLine(title, [column.cell(one) for one in of for column in shown], of[0].row if flags else None)
        for title, of in found
    ]
    if lines == "stage":  # what compares two stages isn't there for the first
        made = [line for line in made if any(one.value != "–" for one in line.cells)]
    if mean:
        blank = [one for row in chosen for one in (cell(row.spread(mean)), *[Cell(" ")] * (len(shown) - 1))]
        made.append(TableLine("mean of all", blank))
    if curve:
        said = page.page.curve
        heads += [Head(MEASURES[axis].title, said["title"], published=True) for axis in said["axes"]]
        made = _with_curve(said, made)
    if all(each.value == "–" for line in made for each in line.cells):
        return []
    made = _ranked(made, shown, [subjects[0].row for _, subjects in found]) if sortable else made
    return [Table(heads, made, first, [fill(note) for note in notes], sortable)]


def _ranked(lines: Sequence[TableLine], columns: Sequence[Column], rows: Sequence[Row]) -> list[TableLine]:
    """Mark the best of every column; rows whose edits can't be interpreted yet don't compete."""
    best: dict[int, set[int]] = {}
    for place, column in enumerate(columns):
        values = {i: line.cells[place].number for i, line in enumerate(lines) if rows[i].interpretable}
        known = {i: value for i, value in values.items() if value is not None}
        if known and column.ranked and column.better:
            best.setdefault((max if column.better == "up" else min)(known, key=known.__getitem__), set()).add(place)
    return [replace(line, best=frozenset(best.get(i, ()))) for i, line in enumerate(lines)]


def _with_curve(curve: Mapping[str, Any], lines: Sequence[TableLine]) -> list[TableLine]:
    """A published curve beside the stages of the same size."""
    known = {
        str(size): [cell(Spread(MEASURES[axis], (value,))) for axis, value in zip(curve["axes"], point, strict=True)]
        for size, *point in curve["points"]
    }
    blank = [Cell() for _ in curve["axes"]]
    return [replace(line, cells=[*line.cells, *known.get(line.title, blank)]) for line in lines]
