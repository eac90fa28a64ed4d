"""What the lines of a table are of: rows, runs, stages or attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from facet.report.columns import Subject
from facet.rows import Row, shared

Lines = list[tuple[str, list[Subject]]]
"""(title, what its cells are of: one, or one for each row that stands across)."""


def by_stage(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """Rows once for each stage, by ``names`` of the first and the later ones; or as the last where a page says so."""
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


def _rows(rows: Sequence[Row], measure: str) -> Lines:
    return [(row.title, [Subject(row)]) for row in rows]


def _runs(rows: Sequence[Row], measure: str) -> Lines:
    return _rows([run for row in rows for run in row.each], measure)


def _run_stages(rows: Sequence[Row], measure: str) -> Lines:
    runs = [run for row in rows for run in row.each if run.evaluated and not run.diverged]
    return _rows([run.at(stage) for run in runs for stage in range(max(1, run.stages))], measure)


def _stages(rows: Sequence[Row], measure: str) -> Lines:
    """By code size, each row as it was at that size."""
    by_size = [{row.at(i).spread("code_size").mean: row.at(i) for i in range(row.stages)} for row in rows]
    found: Lines = []
    for size in sorted({size for each in by_size for size in each}):
        at = [each.get(size, replace(row, results=())) for each, row in zip(by_size, rows, strict=True)]
        found.append((f"{size:.0f}", [Subject(row) for row in at]))
    return found


def _attributes(rows: Sequence[Row], measure: str) -> Lines:
    return [(name.replace("_", " "), [Subject(row, name) for row in rows]) for name in shared(rows, measure)]


def _attribute_rows(rows: Sequence[Row], measure: str) -> Lines:
    names = dict.fromkeys(name for row in rows for name in row.attribute_names)
    pairs = [(name, row) for name in names for row in rows if name in row.attribute_names]
    return [(name.replace("_", " "), [Subject(row, name)]) for name, row in pairs]


def _others(rows: Sequence[Row], measure: str) -> Lines:
    """The attributes that the judge reads beside the one that is edited."""
    lines = [line for row in rows for result in row.evaluated for line in result.lines if line.stage is None]
    of = [line for line in lines if (line.measure, line.attribute) == (measure, rows[0].attribute)]
    names = dict.fromkeys(line.other for line in of)
    return [(name.replace("_", " "), [Subject(row, None, name) for row in rows]) for name in names]


LINES: Mapping[str, Callable[[Sequence[Row], str], Lines]] = {
    "row": _rows,
    "run": _runs,
    "run_stage": _run_stages,
    "row_stage": _rows,
    "stage": _stages,
    "attribute": _attributes,
    "attribute_row": _attribute_rows,
    "other": _others,
}
"""By what a page calls them: from rows, and the first column's measure."""
