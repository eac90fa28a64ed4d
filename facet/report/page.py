"""The page's directory: the page itself, the tidy table, its first table for texts, figures and grids of faces."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from operator import methodcaller
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from facet.files import atomic_write
from facet.pages import Page
from facet.report import markup, sections, strips, style
from facet.report.blocks import Claim, Faces, Figure, Table
from facet.report.context import Context
from facet.report.texts import JINJA, placeless, symbols
from facet.results import Found
from facet.rows import Row, table, to_csv

ORIGINS = {"Data": "data", "Data fingerprint": "data_fingerprint", "Preset": "preset", "Code revision": "revision"}
SHOWN = re.compile(r"(?!grid-).*\.(png|webp)")


def write(page: Page, found: Found, directory: Path, commands: Sequence[str]) -> Path:
    """Write ``index.html`` and all that lies beside it, each file whole or not at all.

    Args:
        page: what is shown.
        found: the rows' runs; missing, failed and unevaluated ones are marked on the page.
        directory: made where it does not exist.
        commands: how to make the page again, a line each.

    Returns:
        The path of ``index.html``, which is written last.
    """
    context = Context.of(page, found)
    shown = [made for key, said in page.sections.items() if (made := sections.render(key, said, context))]
    blocks = [block for section in shown for block in section.blocks]
    claims = [block for block in blocks if isinstance(block, Claim)]
    files = {"table.csv": to_csv(table(context.every_row)).encode(), **_pictures(blocks)}
    summary = summary_of(context, claims)
    if first := next((block for block in blocks if isinstance(block, Table)), None):
        title, text = context.texts.fill(page.title), context.texts.fill(page.text)
        files["table.md"] = markup.to_markdown(title, (text, summary), first, claims, first.notes).encode()
        files["table.tex"] = markup.to_latex(page.name, f"{title} {text}", first).encode()
    html = _template().render(
        page=page,
        texts=context.texts,
        summary=summary,
        sections=shown,
        missing=[(row, result) for row in context.every_row for result in row.missing],
        never=[row for row in context.rows if not row.results],
        more=[row.title for key, row in page.beside.items() if key not in found],
        uris={name: data_uri(files[name], name.rsplit(".", 1)[1]) for name in files if SHOWN.fullmatch(name)},
        origins=origins(context.every_row),
        commands=commands,
        wide=any(isinstance(block, Table) and block.sortable for block in blocks),
    )
    for old in directory.glob("grid-*.png"):  # of runs that the page no longer shows
        if old.name not in files:
            old.unlink()
    for name, content in {**files, "index.html": html.encode()}.items():
        if not name.endswith("-dark.png"):
            atomic_write(directory / name, methodcaller("write", content))
    return directory / "index.html"


def summary_of(context: Context, claims: Sequence[Claim]) -> str:
    """What came out, in a few sentences."""
    if not context.evaluated:
        return "No run has been evaluated yet: there is nothing to report."
    return context.texts.fill(context.page.summary, verdicts={each.key: each.verdict for each in claims})


def _pictures(blocks: Iterable[Any]) -> dict[str, bytes]:
    """Figures and grids by file name; those that end in ``-dark.png`` are for the page alone."""
    files: dict[str, bytes] = {}
    for block in blocks:
        if isinstance(block, Faces):
            for result in block.row.evaluated:
                if found := strips.read_strips(result.directory):
                    title = f"{block.row.title}, seed {result.seed}"
                    name = f"grid-{block.row.key}-seed{result.seed}.png"
                    files[name] = strips.grid_png(found, title, result.attribute)
        elif isinstance(block, Figure):
            if isinstance(drawn := block.drawn, bytes):
                files[f"{block.name}.webp"] = drawn
            else:
                files |= {f"{block.name}.{kind}": style.save(drawn, kind) for kind in ("png", "pdf")}
                files[f"{block.name}-dark.png"] = style.save(drawn, "png", "dark")
    return files


def _template() -> Any:
    environment = Environment(**JINJA, autoescape=True)
    environment.filters |= {"symbols": symbols, "placeless": placeless, "kind": lambda block: type(block).__name__}
    environment.globals |= {"policy": policy, "strips_of": strips_of}
    return environment.get_template("page.html.j2")


def strips_of(row: Row) -> list[dict[str, Any]]:
    """The strips of a row's runs as the page shows them."""
    made = []
    for result in row.evaluated:
        if found := strips.read_strips(result.directory):
            first = next(iter(found.values()))
            named = strips.labels(result.attribute)
            shown = [(named[name], data_uri(strips.png(strips.strip(faces)))) for name, faces in found.items()]
            width = strips.factor(first) * first.shape[-1] * len(first)
            made.append({"seed": result.seed, "strips": shown, "width": width, "faces": len(first)})
    return made


def origins(rows: Sequence[Row]) -> list[tuple[str, list[str]]]:
    """Where the numbers come from: each kind of fact, and the values it takes over all runs."""
    contents = [result.content for row in rows for result in row.evaluated]

    versions = [content.get("versions") or {} for content in contents]

    def facts(key: str, among: Sequence[Mapping[str, Any]]) -> list[str]:
        return list(dict.fromkeys(str(each[key]) for each in among if each.get(key) is not None))

    found = {title: facts(key, contents) for title, key in ORIGINS.items()}
    names = dict.fromkeys(name for each in versions for name in each)
    found["Versions"] = [f"{name} {' / '.join(facts(name, versions))}" for name in names]
    return [(title, values) for title, values in found.items() if values]


def policy(script: str | None = None) -> Markup:
    """What a browser is to do of a page: show what is in it, run its one script, and ask nobody anything."""
    allowed = "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src 'unsafe-inline'"
    if script is not None:
        allowed += f"; script-src 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
    return Markup(f'<meta http-equiv="Content-Security-Policy" content="{allowed}">')


def data_uri(content: bytes, kind: str = "png") -> str:
    """A picture that needs no file."""
    return f"data:image/{kind};base64," + base64.b64encode(content).decode()
