"""Texts of pages: templates that may quote measures, and how symbols and paths in them are shown.

A text in a page's file is a Jinja template. Rows stand in it by their keys (``{{ ours.edit_on }}``), all of them as
``rows``, and the edited attribute as ``{{ attribute }}``; ``{{ absent }}`` is its negation. A text may call
the macros of ``templates/words.j2`` and ``FUNCTIONS``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import PackageLoader, StrictUndefined, TemplateError, Undefined
from jinja2.runtime import Macro
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup, escape

from facet.comparisons import COMPARISONS
from facet.errors import UserError
from facet.report import cells
from facet.rows import INTERPRETABLE, Row, shared

FUNCTIONS = (*COMPARISONS, shared)
JINJA: dict[str, Any] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
JINJA["loader"] = PackageLoader("facet.report")
SYMBOL = re.compile(r"\b([LEA])_(aux|class|gan|KL|y)\b")
PLACE = re.compile(r"(?<![\w.:/<…-])/(?:[^\s/'\",;:()\[\]{}]+/)+")


class Texts:
    """Fills the texts of one page, in which its ``rows``, those beside it included, and other ``names`` stand."""

    def __init__(self, rows: Sequence[Row], **names: Any) -> None:
        self._environment = SandboxedEnvironment(**JINJA, finalize=cells.worded)
        self._environment.filters |= {"percent": lambda value: f"{cells.percent(value)}%", "decimal": cells.decimal}
        self._environment.filters["value"] = lambda spread: cells.cell(spread).value  # without its interval
        attribute = next((row.attribute for row in rows if row.evaluated), "Attribute")
        by_key = {row.key.replace("-", "_"): row for row in rows}
        self.names = {"attribute": attribute, "absent": f"Not-{attribute}", "rows": list(rows), **by_key, **names}
        self.names |= {each.__name__: each for each in FUNCTIONS}
        words = vars(self._environment.get_template("words.j2", globals={"INTERPRETABLE": INTERPRETABLE}).module)
        self.names |= {name: macro for name, macro in words.items() if isinstance(macro, Macro)}

    def fill(self, text: str, **more: Any) -> str:
        """A text, filled.

        Raises:
            UserError: it can't be, such as for a name that nothing has.
        """
        try:
            return " ".join(self._environment.from_string(text).render(self.names | more).split())
        except TemplateError as error:
            raise UserError(f"the text {text.strip()[:80]!r} of the page can't be filled: {error}") from error

    def value(self, expression: str, more: Mapping[str, Any]) -> Any:
        """What an expression comes to.

        Raises:
            UserError: it can't be read, or a name in it is nothing's.
        """
        try:
            found = self._environment.compile_expression(expression, undefined_to_none=False)(self.names | dict(more))
            return None if isinstance(found, Undefined) and not found else found  # asking an undefined one raises
        except TemplateError as error:
            raise UserError(f"the expression {expression!r} of the page can't be read: {error}") from error


def symbols(text: str) -> Markup:
    """Symbols with real subscripts, and typographic apostrophes; everything else escaped."""
    return Markup(SYMBOL.sub(r"<i>\1</i><sub>\2</sub>", str(escape(text.replace("'", "’")))))


def drawn_symbols(text: str) -> str:
    """A text as matplotlib takes it: symbols with real subscripts, no other mathematics, whatever the text says.

    Every text that isn't a drawing's own goes through here.
    """
    return SYMBOL.sub(r"$\1_{\\mathrm{\2}}$", text.replace("$", r"\$"))


def placeless(text: str) -> str:
    """A text without the directories of this machine: pages are sent around."""
    return PLACE.sub("…/", text)
