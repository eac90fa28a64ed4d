"""Sections of pages: a module for each kind, which knows no paper. Its ``render`` takes the page and its settings.

A section's settings are the keyword arguments of ``render`` as they stand in the page's file; so a page that says what
no section takes is refused by name.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from facet.errors import UserError, check_known
from facet.report.blocks import Block, Figure, Section
from facet.report.context import Context

ANY = ("kind", "title", "text", "caption", "file", "when")
"""What any section may say."""
KINDS = tuple(sorted(file.stem for file in Path(__file__).parent.glob("[a-z]*.py")))


def render(key: str, said: Mapping[str, Any], page: Context) -> Section | None:
    """A section of a page; None where there is nothing to show.

    Args:
        said: its ``kind``, ``title`` and ``text``, the ``caption`` of its figures, another name for its figure's
            ``file``, ``when`` it is shown (an expression), and the settings of its kind.

    Raises:
        UserError: a kind or a setting that there isn't.
    """
    if "when" in said and not page.texts.value(said["when"], {}):
        return None
    settings = {name: value for name, value in said.items() if name not in ANY}
    blocks = renderer(f"{page.page.name}: sections.{key}", str(said.get("kind")), settings)(page, **settings)
    if not blocks:
        return None
    title, text, caption = (page.texts.fill(said.get(name, "")) for name in ("title", "text", "caption"))
    own = {"name": said["file"]} if "file" in said else {}
    shown = [replace(one, caption=one.caption or caption, **own) if isinstance(one, Figure) else one for one in blocks]
    return Section(key, title, text, shown)


def renderer(where: str, kind: str, settings: Collection[str]) -> Callable[..., Sequence[Block]]:
    """What renders a kind of section.

    Raises:
        UserError: a kind or a setting that there isn't, or a setting that is missing.
    """
    check_known(kind, KINDS, f"{where}.kind={kind}")
    render: Callable[..., Sequence[Block]] = importlib.import_module(f"facet.report.sections.{kind}").render
    _, *known = inspect.signature(render).parameters.values()
    for name in settings:
        check_known(name, [*ANY, *(each.name for each in known)], f"{where}: {kind} has no setting {name!r}")
    if missing := [each.name for each in known if each.default is each.empty and each.name not in settings]:
        raise UserError(f"{where}: {kind} needs {', '.join(missing)}")
    return render
