"""Sections of pages: a module for each kind, which knows no paper. Its ``render`` takes the page and its settings.

A section's settings are the keyword arguments of ``render`` as they stand in the page's file; so a page that says what
no section takes is refused by name.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from facet.errors import UserError, nearest
from facet.report.blocks import Block, Section
from facet.report.context import Context

KINDS = tuple(sorted(file.stem for file in Path(__file__).parent.glob("[a-z]*.py")))


def render(key: str, said: Mapping[str, Any], page: Context) -> Section | None:
    """A section of a page; None where there is nothing to show.

    Args:
        key: of the section.
        said: its ``kind``, ``title`` and ``text``, ``when`` it is shown (an expression), and the settings of its kind.
        page: what it is made from.

    Raises:
        UserError: a kind or a setting that there isn't.
    """
    if "when" in said and not page.texts.value(said["when"], {}):
        return None
    settings = {name: value for name, value in said.items() if name not in ("kind", "title", "text", "when")}
    kind = str(said.get("kind"))
    if kind not in KINDS:
        raise UserError(f"{page.page.name}: sections.{key}.kind={kind}: nearest: {nearest(kind, KINDS)}")
    renderer = importlib.import_module(f"facet.report.sections.{kind}").render
    known = list(inspect.signature(renderer).parameters)[1:]
    for name in settings:
        if name not in known:
            what = f"{kind} has no setting {name!r}; nearest: {nearest(name, known)}"
            raise UserError(f"{page.page.name}: sections.{key}: {what}")
    blocks: Sequence[Block] = renderer(page, **settings)
    if not blocks:
        return None
    return Section(key, page.texts.fill(said.get("title", "")), page.texts.fill(said.get("text", "")), blocks)
