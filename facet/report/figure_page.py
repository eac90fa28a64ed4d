"""A page of figures and small tables: what the pages share that are no table of a paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from facet.files import atomic_write
from facet.report import figures
from facet.report.figures import Scheme
from facet.report.page import data_uri, origins, template
from facet.report.results import Row


@dataclass(frozen=True)
class Shown:
    """A figure on the page: its file's name without ending, a heading and a caption."""

    name: str
    title: str
    caption: str


@dataclass(frozen=True)
class Numbers:
    """A table on the page."""

    title: str
    note: str
    head: list[str]
    lines: list[list[str]]


Picture = Callable[[Scheme], Figure] | bytes
"""What draws a figure in a colour scheme, or an animation (webp)."""

Drawn = tuple[list[Shown], Mapping[str, Picture], list[Numbers]]
"""What a page shows: figures in order, how each of them is drawn, and tables."""


def write_page(
    title: str,
    caption: str,
    summary: str,
    rows: Sequence[Row],
    drawn: Drawn,
    csv: str,
    directory: Path,
    commands: Sequence[str],
) -> Path:
    """Write ``index.html``, ``table.csv`` and the figures, each file whole or not at all.

    Args:
        title: of the page.
        caption: what it shows, in a sentence or two.
        summary: what came out.
        rows: whose runs it is made from; those without numbers are named.
        drawn: what it shows.
        csv: the numbers.
        directory: made where it does not exist.
        commands: how to make the page again, a line each.

    Returns:
        The path of ``index.html``, which is written last.
    """
    shown, pictures, tables = drawn
    files: dict[str, bytes] = {"table.csv": csv.encode()}
    for key, picture in pictures.items():
        if isinstance(picture, bytes):
            files[f"{key}.webp"] = picture
            continue
        files[f"{key}.png"], files[f"{key}.pdf"] = figures.save(picture, "png"), figures.save(picture, "pdf")
        files[f"{key}-dark.png"] = figures.save(picture, "png", "dark")
    uris = {file.removesuffix(".png"): data_uri(content) for file, content in files.items() if file.endswith(".png")}
    moving = {file.removesuffix(".webp"): content for file, content in files.items() if file.endswith(".webp")}
    page = template("figures.html.j2").render(
        title=title,
        caption=caption,
        summary=summary,
        shown=shown,
        tables=tables,
        figures=uris | {name: data_uri(content, "webp") for name, content in moving.items()},
        moving=list(moving),
        missing=[(row, result) for row in rows for result in row.missing],
        origins=origins(rows),
        commands=commands,
    )
    return write_files(files, page, directory)


def write_files(files: Mapping[str, bytes], page: str, directory: Path) -> Path:
    """Write what lies beside a page, without the figures that only the page shows, and then ``index.html``."""
    for name, content in {**files, "index.html": page.encode()}.items():
        if "-dark" not in name:
            atomic_write(directory / name, partial(_put, content))
    return directory / "index.html"


def _put(content: bytes, file: Any) -> None:
    file.write(content)
