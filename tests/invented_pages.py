"""Rows, claims and summaries of pages of invented runs, without drawing a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from facet.pages import Page, PageRow, load
from facet.report import sections
from facet.report.blocks import Claim
from facet.report.context import Context
from facet.report.page import summary_of
from facet.rows import Row, read_rows

Runs = Sequence[tuple[int, Path]]


def titled(name: str, rows: Mapping[str, str]) -> Page:
    """A page with other rows, given as key -> title."""
    page = load(name)
    titles = {key: replace(page.every_row.get(key, PageRow("", "")), title=title) for key, title in rows.items()}
    return replace(page, rows=titles, beside={})


def row_of(*runs: tuple[int, Path], key: str = "ours", title: str = "(1)") -> Row:
    """A row of these runs."""
    return read_rows({key: PageRow(title, "")}, {key: runs})[0]


def claims_of(page: Page, found: Mapping[str, Runs]) -> dict[str, Claim]:
    """The claims of a page by key, evaluated on the runs."""
    section = sections.render("claims", page.sections["claims"], Context.of(page, found))
    return {block.key: block for block in (section.blocks if section else ()) if isinstance(block, Claim)}


def told(page: Page, found: Mapping[str, Runs]) -> str:
    """The page's summary."""
    return summary_of(Context.of(page, found), list(claims_of(page, found).values()))
