"""The report's directory: the page, the table as CSV, Markdown and LaTeX, and the figures."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from facet.files import atomic_write
from facet.report import figures, grids
from facet.report.claims import Finding
from facet.report.findings import attribute_of, find, summary
from facet.report.markup import to_latex, to_markdown
from facet.report.panels import panels
from facet.report.results import Row, RowRuns
from facet.report.tables import TableSpec, count_cell, mse_cell, published_cell, rate_cell, sum_cell, to_csv
from facet.report.variations import split, variations


@dataclass(frozen=True)
class Grid:
    """The strips of one run as the page shows them: (label, PNG as data URI)."""

    seed: int
    strips: tuple[tuple[str, str], ...]
    width: int
    faces: int


def write_report(table: TableSpec, runs: Sequence[RowRuns], directory: Path, commands: Sequence[str]) -> Path:
    """Write ``index.html`` and all that lies beside it, each file whole or not at all.

    Args:
        table: what the table shows.
        runs: the rows' runs; missing, failed and unevaluated ones are marked on the page.
        directory: made where it does not exist.
        commands: how to make the report again, a line each.

    Returns:
        The path of ``index.html``, which is written last.
    """
    rows, beside = split(table, runs)
    attribute, findings = attribute_of(rows), find(rows)
    drawn = draw(table, rows, attribute)
    files: dict[str, bytes] = {
        "table.csv": to_csv(rows).encode(),
        "table.md": to_markdown(table, rows, findings, attribute).encode(),
        "table.tex": to_latex(table, rows, attribute).encode(),
        **{name: content for name, content in drawn.items() if "-dark" not in name},
        **grid_files([*rows, *beside], attribute),
    }
    files["index.html"] = render(table, rows, beside, findings, attribute, drawn, commands).encode()
    for old in directory.glob("grid-*.png"):  # of runs that the report no longer shows
        if old.name not in files:
            old.unlink()
    for name, content in files.items():
        atomic_write(directory / name, partial(_put, content))
    return directory / "index.html"


def draw(table: TableSpec, rows: Sequence[Row], attribute: str) -> dict[str, bytes]:
    """The figures by file name; those with ``-dark`` are for the page alone."""
    made: dict[str, bytes] = {}

    def rates(scheme: figures.Scheme) -> Figure:
        return figures.edit_rates(table, rows, attribute, scheme)

    def curves(scheme: figures.Scheme) -> Figure:
        return figures.learning_curves(rows, scheme)

    for name, figure in (("rates", rates), ("curves", curves)):
        if name == "curves" and not figures.quantities(rows):
            continue
        made[f"{name}.png"] = figures.save(figure, "png")
        made[f"{name}.pdf"] = figures.save(figure, "pdf")
        made[f"{name}-dark.png"] = figures.save(figure, "png", "dark")
    return made


def grid_files(rows: Sequence[Row], attribute: str) -> dict[str, bytes]:
    """A labelled grid for every run that has examples."""
    made = {}
    for row in rows:
        for result in row.evaluated:
            if strips := grids.read_strips(result.directory):
                title = f"{row.title}, seed {result.seed}"
                made[f"grid-{row.key}-seed{result.seed}.png"] = grids.grid_png(strips, title, attribute)
    return made


def page_grids(row: Row, attribute: str) -> list[Grid]:
    """The strips of a row's runs, for the page."""
    made = []
    for result in row.evaluated:
        if strips := grids.read_strips(result.directory):
            first = next(iter(strips.values()))
            shown = tuple(
                (label, data_uri(grids.strip_png(strips[name])))
                for name, label in grids.labels(attribute).items()
                if name in strips
            )
            width = grids.factor(first) * first.shape[-1] * len(first)
            made.append(Grid(result.seed, shown, width, len(first)))
    return made


def render(
    table: TableSpec,
    rows: Sequence[Row],
    beside: Sequence[Row],
    findings: Sequence[Finding],
    attribute: str,
    drawn: dict[str, bytes],
    commands: Sequence[str],
) -> str:
    """The page, with everything in it."""
    from facet.report.many_attributes import numbers  # which shows its numbers on a page of its own too

    several = any(len(result.content["attribute_names"]) > 1 for row in rows for result in row.evaluated)
    cells = {"mse": mse_cell, "rate": rate_cell, "sum": sum_cell, "count": count_cell, "published": published_cell}
    return template("table.html.j2").render(
        table=table,
        rows=rows,
        findings=findings,
        summary=summary(rows),
        attribute=attribute,
        several=numbers(rows) if several else None,
        absent=f"Not-{attribute}",
        cells=cells,
        many_seeds=any(len(row.results) > 1 for row in rows),
        missing=[(row, result) for row in (*rows, *beside) for result in row.missing],
        never=[row for row in rows if not row.results],
        figures={name.removesuffix(".png"): data_uri(png) for name, png in drawn.items() if name.endswith(".png")},
        grids=[(row, page_grids(row, attribute)) for row in rows],
        variations=variations(table, rows, beside, attribute),
        varied=[(row, page_grids(row, attribute)) for row in beside],
        panels=panels(rows, attribute),
        origins=origins([*rows, *beside]),
        commands=commands,
    )


def template(name: str) -> Template:
    """A page's template, with what all pages share."""
    environment = Environment(
        loader=PackageLoader("facet.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"symbols": symbols, "placeless": placeless}
    environment.globals["policy"] = policy
    return environment.get_template(name)


def origins(rows: Sequence[Row]) -> list[tuple[str, list[str]]]:
    """Where the numbers come from: each kind of fact, and the values it takes over all runs."""
    contents = [result.content for row in rows for result in row.evaluated]

    def facts(key: str) -> list[str]:
        return list(dict.fromkeys(str(content[key]) for content in contents if content.get(key) is not None))

    versions: dict[str, Any] = {}
    for content in contents:
        for name, version in (content.get("versions") or {}).items():
            versions.setdefault(name, {})[str(version)] = None
    found = [
        ("Data", facts("data")),
        ("Data fingerprint", facts("data_fingerprint")),
        ("Preset", facts("preset")),
        ("Code revision", facts("revision")),
        ("Versions", [f"{name} {' / '.join(each)}" for name, each in versions.items()]),
    ]
    return [(name, values) for name, values in found if values]


def symbols(text: str) -> Markup:
    """``L_aux`` with a real subscript and typographic apostrophes; everything else escaped."""
    return Markup(figures.SYMBOL.sub(r"<i>\1</i><sub>\2</sub>", str(escape(text.replace("'", "’")))))


def placeless(text: str) -> str:
    """A text without the directories of this machine: pages are sent around."""
    return PLACE.sub("…/", text)


PLACE = re.compile(r"(?<![\w.:/<…-])/(?:[^\s/'\",;:()\[\]{}]+/)+")


def policy(script: str | None = None) -> Markup:
    """What a browser is to do of a page: show what is in it, run its one script, and ask nobody anything."""
    allowed = ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "img-src data:"]
    allowed.append("style-src 'unsafe-inline'")
    if script is not None:
        allowed.append(f"script-src 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'")
    return Markup(f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(allowed)}">')


def data_uri(content: bytes, kind: str = "png") -> str:
    """A picture that needs no file."""
    return f"data:image/{kind};base64," + base64.b64encode(content).decode()


def _put(content: bytes, file: Any) -> None:
    file.write(content)
