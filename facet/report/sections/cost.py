"""What training took: steps, images, time, parameters, and whatever else a method notes."""

from __future__ import annotations

from facet.report.blocks import Block, Head, Table, TableLine
from facet.report.cells import Cell, cell, decimal, short_count
from facet.report.context import Context
from facet.rows import Row

OWN = ("steps", "images_seen", "seconds", "parameters", "extra")
"""What ``training`` in ``results.json`` holds that has a column; whatever else it holds is listed beside."""
HEADS = ("Steps", "Images seen", "Time", "Parameters", "Besides")


def render(page: Context) -> list[Block]:
    """A table with a line per row; the last column is left out where nothing stands in it."""
    cells = [_cells(row) for row in page.evaluated]
    columns = len(HEADS) - all(each[-1] == Cell() for each in cells)
    lines = [TableLine(row.title, each[:columns]) for row, each in zip(page.evaluated, cells, strict=True)]
    return [Table([*map(Head, HEADS[:columns])], lines)] if lines else []


def _cells(row: Row) -> list[Cell]:
    training = row.evaluated[0].content.get("training") or {}
    sizes = training.get("parameters") or {}
    parts = ", ".join(f"{name} {short_count(size)}" for name, size in sizes.items())
    extra = {name: value for name, value in training.items() if name not in OWN} | (training.get("extra") or {})
    plain = {name: decimal(value) if isinstance(value, float) else value for name, value in extra.items()}
    besides = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in plain.items())
    total = Cell(short_count(sum(sizes.values())), parts) if sizes else Cell()
    took = [cell(row.spread("steps")), cell(row.spread("images_seen")), cell(row.spread("seconds"), "minutes")]
    return [*took, total, Cell(besides or "–")]
