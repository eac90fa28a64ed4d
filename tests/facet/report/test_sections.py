"""Sections: mistakes in a page's file are one line, no section knows a paper, and all of it stays small."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facet.errors import UserError
from facet.measures.registry import MEASURES
from facet.pages import load, names
from facet.report import sections
from facet.report.columns import Column
from facet.report.context import Context

Make = Callable[..., tuple[int, Path]]
REPORT = Path(sections.__file__).parents[1]
FILES = sorted(REPORT.rglob("*.py"))
PAPERS = ("IFcVAE", "L_aux", "IcGAN", "cVAE", "JacSup", "Smiling", "Fader", "CelebA", "AIF", "Creswell", "Lezama")
PAGE = load("table1")


@pytest.fixture
def context(make_run: Make) -> Context:
    """Table 1's page, with one run."""
    return Context.of(PAGE, {"ours": [make_run("ours")]})


def render(said: dict[str, Any], context: Context) -> Any:
    """A section of this page."""
    return sections.render("mine", said, context)


def claim(**said: Any) -> dict[str, Any]:
    """A section with one claim."""
    return {"kind": "claims", "claims": {"c": {"claim": "x", "rows": ["ours"], **said}}}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"kind": "tabel"}, "table1: sections.mine.kind=tabel; nearest: .*table"),
        ({}, "table1: sections.mine.kind=None; nearest: "),
        ({"kind": "curves", "captoin": "x"}, "sections.mine: curves has no setting 'captoin'; nearest: caption"),
        ({"kind": "curves"}, "table1: sections.mine: curves needs panels"),
        ({"kind": "table", "columns": ["msee"]}, "there is no measure 'msee'; nearest: .*mse"),
        ({"kind": "table", "columns": ["mse"], "lines": "rows"}, "table1: lines=rows; nearest: row"),
        ({"kind": "table", "columns": [{"mesure": "mse"}]}, "a column has no 'mesure'; nearest: measure"),
        ({"kind": "values", "shows": "slider"}, "table1: shows=slider; nearest: sliders"),
        ({"kind": "judge", "text": "{{ nothing }}"}, "the text .* of the page can't be filled: 'nothing' is undefined"),
        ({"kind": "judge", "text": "{% if"}, "the text .* of the page can't be filled"),
        ({"kind": "judge", "when": "ours.nothing"}, "the expression 'ours.nothing' of the page can't be read"),
        (claim(verdict={}), "table1: claim c: unknown 'verdict'; nearest: verdicts"),
        (claim(), "table1: claim c: verdicts is missing"),
        (claim(verdicts={"seeen": "true"}), "table1: claim c: unknown 'seeen'; nearest: seen"),
    ],
    ids=lambda value: None if isinstance(value, str) else " ".join(map(str, value.items())),
)
def test_a_mistake_is_one_line_that_names_the_nearest(said: dict[str, Any], told: str, context: Context) -> None:
    with pytest.raises(UserError, match=told) as raised:
        render(said, context)
    assert "\n" not in str(raised.value)


def test_a_section_is_shown_when_its_expression_is_true(context: Context) -> None:
    for when, shown in (("several_seeds", False), ("not several_seeds", True), ("ours.edit_on.mean > 0.9", True)):
        assert bool(render({"kind": "judge", "when": when}, context)) == shown


def test_an_expression_reaches_nothing_but_the_page(context: Context) -> None:
    """A page's file may be somebody else's."""
    for expression in ("ours.__class__.__mro__", "rows.__init__.__globals__", "edits.__globals__"):
        with pytest.raises(UserError):
            render({"kind": "judge", "text": f"{{{{ {expression} }}}}"}, context)


@pytest.mark.parametrize("kind", sections.KINDS)
def test_a_kind_has_a_renderer_whose_settings_are_said(kind: str) -> None:
    module = __import__(f"facet.report.sections.{kind}", fromlist=["render"])
    first, *settings = inspect.signature(module.render).parameters
    assert first == "page"
    documented = inspect.getdoc(module.render) or ""
    assert all(setting in documented for setting in settings), "each has its line below Args"
    used = {said["kind"] for name in names() for said in load(name).sections.values() if said}
    assert kind in used, "a page has it"


@pytest.mark.parametrize("name", names())
def test_a_page_says_nothing_that_no_section_takes(name: str) -> None:
    """As far as can be seen without runs: kinds, settings, and measures of columns."""
    page = load(name)
    for key, said in page.sections.items():
        if said is None:
            continue
        settings = {each: value for each, value in said.items() if each not in sections.ANY}
        sections.renderer(f"{name}: sections.{key}", str(said["kind"]), settings)
        for column in said.get("columns", ()) if said["kind"] == "table" else ():
            Column.of(column)
    for row in page.every_row.values():
        assert set(row.published) <= set(MEASURES)


def test_no_section_of_a_page_without_runs_is_a_mistake() -> None:
    for name in names():
        page = replace(load(name), beside={})
        context = Context.of(page, {})
        for key, said in page.sections.items():
            if said and not said.get("when") and said["kind"] not in ("claims", "table"):
                sections.render(key, said, context)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(REPORT)))
def test_no_code_of_the_report_knows_a_paper(file: Path) -> None:
    text = file.read_text("utf-8")
    assert not [word for word in PAPERS if word in text], "a paper's words stand in its page's file"


def code_lines(file: Path) -> int:
    """Lines that are neither empty nor a comment nor part of a docstring."""
    text = file.read_text("utf-8")
    said: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            said.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = ((i, line.strip()) for i, line in enumerate(text.splitlines(), 1))
    return sum(bool(line) and not line.startswith("#") and i not in said for i, line in lines)


def test_the_report_stays_small() -> None:
    sizes = {str(file.relative_to(REPORT)): len(file.read_text("utf-8").splitlines()) for file in FILES}
    assert not {name: size for name, size in sizes.items() if size > (150 if name.startswith("sections/") else 300)}
    assert sum(map(code_lines, FILES)) <= 2300
