"""A table of measures: what a line is, and what its columns are, say the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from facet.errors import UserError, nearest
from facet.measures.registry import MEASURES
from facet.report.blocks import Block, Head, Table, TableLine
from facet.report.cells import Cell, cell
from facet.report.columns import Column, Subject
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
        page: what it is made from.
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
    if lines not in LINES:
        raise UserError(f"{page.page.name}: lines={lines}: nearest: {nearest(lines, LINES)}")
    found = LINES[lines](by_stage(chosen, stages) if lines == "row_stage" else chosen, shown)
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
    made = [_line(title, subjects, shown, flags, sortable) for title, subjects in found]
    if lines == "stage":  # what compares two stages isn't there for the first
        made = [line for line in made if any(one.value != "–" for one in line.cells)]
    if mean:
        blank = [one for row in chosen for one in (cell(row.spread(mean)), *[Cell(" ")] * (len(shown) - 1))]
        made.append(TableLine("mean of all", blank))
    if curve:
        heads, made = _with_curve(page.page.curve, heads, made)
    if all(each.value == "–" for line in made for each in line.cells):
        return []
    made = _ranked(made, shown, [subjects[0].row for _, subjects in found]) if sortable else made
    return [Table(heads, made, first, [fill(note) for note in notes], sortable)]


def _line(title: str, subjects: Sequence[Subject], columns: Sequence[Column], flags: bool, sortable: bool) -> TableLine:
    cells = [column.cell(subject) for subject in subjects for column in columns]
    values: list[float | None] = []
    if sortable:
        spreads = [column.spread(subjects[0]) for column in columns]
        values = [spread.mean if spread else None for spread in spreads]
    return TableLine(title, cells, subjects[0].row if flags else None, values)


def _ranked(lines: Sequence[TableLine], columns: Sequence[Column], rows: Sequence[Row]) -> list[TableLine]:
    """Mark the best of every column; rows whose edits can't be interpreted yet don't compete."""
    best: dict[int, set[int]] = {}
    for place, column in enumerate(columns):
        known = [(i, value) for i, line in enumerate(lines) if (value := line.values[place]) is not None]
        known = [(i, value) for i, value in known if rows[i].interpretable]
        if known and column.ranked and column.better:
            chosen = (max if column.better == "up" else min)(known, key=lambda each: each[1])
            best.setdefault(chosen[0], set()).add(place)
    return [replace(line, best=frozenset(best.get(i, ()))) for i, line in enumerate(lines)]


def _with_curve(
    curve: Mapping[str, Any], heads: list[Head], lines: Sequence[TableLine]
) -> tuple[list[Head], list[TableLine]]:
    """A published curve beside the stages of the same size."""
    axes = [MEASURES[name] for name in curve["axes"]]
    heads = [*heads, *(Head(measure.title, curve["title"], published=True) for measure in axes)]
    known = {
        str(size): [cell(Spread(measure, (value,))) for measure, value in zip(axes, point, strict=True)]
        for size, *point in curve["points"]
    }
    blank = [Cell() for _ in axes]
    return heads, [replace(line, cells=[*line.cells, *known.get(line.title, blank)]) for line in lines]
