"""How Sphinx makes the site of these pages: ``make docs``. A warning is an error; no page fetches anything."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

project = "Facet"
copyright = "The Facet developers"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
highlight_language = "bash"  # of blocks that name none: commands, most of them
suppress_warnings = ["misc.highlighting_failure"]  # the others
exclude_patterns = ["**/.ipynb_checkpoints"]

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3  # as GitHub makes them, so that links work there, too
nb_execution_mode = "off"  # tests/test_notebooks.py executes them

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_use_ivar = True  # attributes as a list

html_theme = "furo"
html_title = "Facet"
html_math_renderer = "mathml"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False


def _math(translator: HTML5Translator, node: nodes.math | nodes.math_block) -> None:
    """MathML, which browsers draw by themselves: MathJax would be fetched, and LaTeX installed."""
    display = "block" if isinstance(node, nodes.math_block) else "inline"
    translator.body.append(convert(node.astext(), display=display))
    raise nodes.SkipNode


def _arguments(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Docstrings say "Args: as X, and"; napoleon knows "Args:"."""
    for i, line in enumerate(lines):
        if found := re.fullmatch(r"Args: as (.*), and", line):
            lines[i : i + 2] = [f"Takes what {found[1]} takes, and:", "", "Args:"]


def _signature(app: Sphinx, what: str, name: str, thing: Any, *rest: Any) -> tuple[str, None] | None:
    """A protocol is no class to call."""
    return ("", None) if getattr(thing, "_is_protocol", False) and what == "class" else None


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-process-docstring", _arguments, priority=400)  # before napoleon, at 500
    app.add_html_math_renderer("mathml", inline_renderers=(_math, None), block_renderers=(_math, None))
