"""The edit rates that the last evaluations during training logged, run by run."""

from __future__ import annotations

from facet.report.blocks import Block, Head, Table, TableLine
from facet.report.cells import Cell, percent
from facet.report.context import Context

LAST = 3


def render(page: Context) -> list[Block]:
    """A table with a line per run; nothing where no run has logged edits."""
    lines = []
    for title, result in ((f"{row.title}, seed {one.seed}", one) for row in page.rows for one in row.results):
        rates = [result.metrics().get(f"val/edit_{side}", [])[-LAST:] for side in ("off", "on")]
        cells = [Cell(", ".join(f"{percent(value)}%" for _, value in each)) for each in rates]
        lines += [TableLine(title, cells)] if all(rates) else []
    heads = [Head(page.texts.fill(f"Ĉ {{{{ {side} }}}}")) for side in ("absent", "attribute")]
    return [Table(heads, lines, "Run")] if lines else []
