"""What the lines of a table are of: rows, runs, stages or attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from facet.report.columns import Column, Subject
from facet.rows import Row, shared

Lines = list[tuple[str, list[Subject]]]
"""(title, what its cells are of: one, or one for each row that stands across)."""


def by_stage(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """A row whose runs have stages once for each stage, or as its last one where its page says so.

    Args:
        rows: of a page.
        names: what the first stage and the later ones are called.
    """
    found = []
    for row in rows:
        if row.stages < 2 or row.said.stages == "last":
            found.append(row)
            continue
        for stage in range(row.stages):
            at = row.at(stage)
            size = at.spread("nuisance") or at.spread("code_size")
            named = f"{names[min(stage, 1)]} of {f'{size.mean:.0f}' if size else 'unknown size'}"
            found.append(replace(at, title=f"{row.title}, {named}"))
    return found


def _rows(rows: Sequence[Row], columns: Sequence[Column]) -> Lines:
    return [(row.title, [Subject(row)]) for row in rows]


def _runs(rows: Sequence[Row], columns: Sequence[Column]) -> Lines:
    return [(run.title, [Subject(run)]) for row in rows for run in row.each]


def _run_stages(rows: Sequence[Row], columns: Sequence[Column]) -> Lines:
    runs = [run for row in rows for run in row.each if run.evaluated and not run.diverged]
    return [(run.title, [Subject(run.at(stage))]) for run in runs for stage in range(max(1, run.stages))]


def _stages(rows: Sequence[Row], columns: Sequence[Column]) -> Lines:
    """By code size, each row as it was at that size."""
    by_size = [{row.at(i).spread("code_size").mean: row.at(i) for i in range(row.stages)} for row in rows]
    sizes = sorted({size for each in by_size for size in each})
    nothing = [replace(row, results=()) for row in rows]
    found: Lines = []
    for size in sizes:
        at = [each.get(size, other) for each, other in zip(by_size, nothing, strict=True)]
        found.append((f"{size:.0f}", [Subject(row) for row in at]))
    return found


def _attributes(rows: Sequence[Row], columns: Sequence[Column]) -> Lines:
    names = shared(rows, columns[0].measure)
    return [(name.replace("_", " "), [Subject(row, name) for row in rows]) for name in names]


def _attribute_rows(rows: Sequence[Row], columns: Sequence[Column]) -> Lines:
    pairs = [(name, row) for row in rows for name in row.attribute_names]
    order = list(dict.fromkeys(name for name, _ in pairs))
    return [
        (name.replace("_", " "), [Subject(row, name)])
        for name, row in sorted(pairs, key=lambda pair: order.index(pair[0]))
    ]


def _others(rows: Sequence[Row], columns: Sequence[Column]) -> Lines:
    """The attributes that the judge reads beside the one that is edited."""
    lines = (line for row in rows for result in row.evaluated for line in result.lines if line.stage is None)
    names = dict.fromkeys(
        line.other for line in lines if line.measure == columns[0].measure and line.attribute == rows[0].attribute
    )
    return [(name.replace("_", " "), [Subject(row, None, name) for row in rows]) for name in names]


LINES: Mapping[str, Callable[[Sequence[Row], Sequence[Column]], Lines]] = {
    "row": _rows,
    "run": _runs,
    "run_stage": _run_stages,
    "row_stage": _rows,
    "stage": _stages,
    "attribute": _attributes,
    "attribute_row": _attribute_rows,
    "other": _others,
}
