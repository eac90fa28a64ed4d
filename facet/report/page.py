"""The page's directory: the page itself, the tidy table, its first table for texts, figures and grids of faces."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from operator import methodcaller
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from facet.files import atomic_write
from facet.pages import Page
from facet.report import markup, sections, strips, style
from facet.report.blocks import Claim, Faces, Figure, Table
from facet.report.context import Context
from facet.report.texts import placeless, symbols
from facet.results import Found
from facet.rows import Row, table, to_csv


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
        uris={name: data_uri(content, name.rsplit(".", 1)[1]) for name, content in files.items() if _is_shown(name)},
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


def _is_shown(name: str) -> bool:
    return name.endswith((".png", ".webp")) and not name.startswith("grid-")


def _pictures(blocks: Iterable[Any]) -> dict[str, bytes]:
    """Figures and grids by file name; those that end in ``-dark.png`` are for the page alone."""
    files: dict[str, bytes] = {}
    for block in blocks:
        if isinstance(block, Faces):
            for result in block.row.evaluated:
                if found := strips.read_strips(result.directory):
                    name, title = (
                        f"grid-{block.row.key}-seed{result.seed}.png",
                        f"{block.row.title}, seed {result.seed}",
                    )
                    files[name] = strips.grid_png(found, title, result.attribute)
        elif isinstance(block, Figure):
            if isinstance(drawn := block.drawn, bytes):
                files[f"{block.name}.webp"] = drawn
                continue
            files[f"{block.name}.png"], files[f"{block.name}.pdf"] = style.save(drawn, "png"), style.save(drawn, "pdf")
            files[f"{block.name}-dark.png"] = style.save(drawn, "png", "dark")
    return files


def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("facet.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"symbols": symbols, "placeless": placeless}
    for kind in (Table, Figure, Faces, Claim):
        environment.tests[kind.__name__] = lambda block, kind=kind: isinstance(block, kind)
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
