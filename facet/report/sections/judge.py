"""The judge's accuracy on real test images; a column per judge, where runs had different ones."""

from __future__ import annotations

from typing import Any

from facet.measures.intervals import wilson
from facet.report.blocks import Block, Head, Table, TableLine
from facet.report.cells import Cell, percent, percents
from facet.report.context import Context


def render(page: Context) -> list[Block]:
    """The table, and a warning where the judges differ."""
    judges: dict[str, dict[str, Any]] = {}
    for result in (result for row in page.rows for result in row.evaluated):
        found = result.content.get("judge") or {}
        judges.setdefault(str(found.get("key", "judge")), found)
    names = dict.fromkeys(name for found in judges.values() for name in found.get("accuracy", {}))
    lines = [TableLine(name.replace("_", " "), [_cell(found, name) for found in judges.values()]) for name in names]
    if not lines:
        return []
    heads = [Head(f"judge {key[:10]}, n = {found.get('n', 0):,}") for key, found in judges.items()]
    warning = ["The runs were judged by different judges: their rates are not comparable."] if len(judges) > 1 else []
    return [Table(heads, lines, "Attribute"), *warning]


def _cell(found: dict[str, Any], name: str) -> Cell:
    value = found.get("accuracy", {}).get(name)
    if value is None:
        return Cell()
    n = int(found.get("known", {}).get(name, found.get("n", 0)))
    rate = wilson(round(value * n), n)
    return Cell(f"{percent(value)}%", percents(rate.low, rate.high))
