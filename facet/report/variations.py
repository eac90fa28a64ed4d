"""The page's section on rows beside the table: variations that the paper does not have."""

from __future__ import annotations

from collections.abc import Sequence

from facet.report import evidence
from facet.report.markup import mark
from facet.report.panels import Panel, number
from facet.report.results import Row, RowRuns, read_rows
from facet.report.tables import Cell, TableSpec, mse_cell, rate_cell, sum_cell

RATES = ("reconstruction_off", "reconstruction_on", "edit_off", "edit_on")


def split(table: TableSpec, runs: Sequence[RowRuns]) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """The table's rows in its order, and the rows beside it that there are."""
    keys = table.beside.rows if table.beside else {}
    own = [row for row in runs if row.key not in keys]
    beside = [row for row in runs if row.key in keys]
    return read_rows(own, table.rows), read_rows(beside, ())


def variations(table: TableSpec, rows: Sequence[Row], beside: Sequence[Row], attribute: str) -> Panel | None:
    """The rows beside the table, with those of the table that they vary; None for a table without such rows."""
    if table.beside is None:
        return None
    text = table.beside.text
    if not beside:
        text += f" Not trained yet: {table.beside.command}"
        return Panel("variations", table.beside.title, text, [], [])
    text += _seen(rows, beside) + " † As above: reconstructions keep the label too rarely."
    absent = f"Not-{attribute}"
    compared = [row for row in rows if row.key in table.beside.compared]
    return Panel(
        "variations",
        table.beside.title,
        text,
        ["Model", "MSE", absent, attribute, f"Ĉ {absent}", f"Ĉ {attribute}", "Sum", "ẑ, bit", "μ, bit"],
        [(row.title + mark(row), _cells(row)) for row in (*compared, *beside)],
        (("", 2), ("reconstructions keep", 2), ("edits", 3), ("leakage", 2)),
    )


def _seen(rows: Sequence[Row], beside: Sequence[Row]) -> str:
    """What the rows without L_aux show, if they can be interpreted."""
    by_key = {row.key: row for row in (*rows, *beside)}
    first, every = by_key.get("no_aux"), by_key.get("every_layer_no_aux")
    if not (first and every and first.interpretable and every.interpretable):
        return ""
    said = f" Here, without L_aux, the rates add up to {evidence.total(first)} with y at the first layer and to "
    return f"{said}{evidence.total(every)} with y at every layer (200%: the picture always follows y)."


def _cells(row: Row) -> list[Cell]:
    if not row.evaluated:
        return [Cell(row.reason), *[Cell()] * 7]
    rates = [rate_cell(row.spread(rate)) for rate in RATES]
    leaks = [number(row.spread(f"leakage_bits_{code}")) for code in ("sample", "mean")]
    return [mse_cell(row.spread("mse")), *rates, sum_cell(row), *leaks]
