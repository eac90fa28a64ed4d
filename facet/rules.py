"""What constructors refuse in their first lines, found in their source: to refuse a number no torch is imported.

A line counts that calls a function of a module named ``checks`` with parameters of the constructor, such as
``at_least_one(steps=self.steps)``. It is called here as it stands there, so what it says is said in one place.
"""

from __future__ import annotations

import ast
import functools
import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from facet.source import Source, UnclearError

Rule = Callable[[Mapping[str, Any]], None]


def refuse(target: str, given: Mapping[str, Any]) -> None:
    """Call a constructor's checks with the arguments that a config gives it.

    Args:
        target: the constructor's dotted name.
        given: its arguments; a check of one that isn't given, or is to be made first, is left to the constructor.

    Raises:
        ValueError: what a check refuses.
    """
    for rule in _rules(target):
        rule(given)


@functools.lru_cache(maxsize=512)
def _rules(target: str) -> tuple[Rule, ...]:
    module, _, name = target.rpartition(".")
    try:
        place, found = Source.of(module).definition(name)
        return tuple(_of_class(place, found)) if isinstance(found, ast.ClassDef) else ()
    except (UnclearError, LookupError):
        return ()


def _of_class(place: Source, node: ast.ClassDef) -> Iterator[Rule]:
    methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
    beginning = next((each for each in methods if each.name in ("__init__", "__post_init__")), None)
    if beginning is None:
        for base in (each for each in node.bases if isinstance(each, ast.Name)):
            above, found = place.definition(base.id)
            if isinstance(found, ast.ClassDef):
                yield from _of_class(above, found)
        return
    for statement in beginning.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            call = statement.value
            if isinstance(call.func, ast.Name) and (check := _check(place, call.func.id)):
                yield functools.partial(_call, check, call)


def _check(place: Source, name: str) -> Callable[..., None] | None:
    """A function of a module named ``checks``; None if the name isn't one's."""
    try:
        source, found = place.definition(name)
    except (UnclearError, LookupError):
        return None
    if not isinstance(found, ast.FunctionDef) or not source.name.endswith(".checks"):
        return None
    check: Callable[..., None] = getattr(importlib.import_module(source.name), found.name)
    return check


def _call(check: Callable[..., None], call: ast.Call, given: Mapping[str, Any]) -> None:
    """The call with what is given; not made where that isn't all."""
    if ast.unparse(call).endswith("(**asdict(self))"):  # of a dataclass: all there is
        check(**given)
        return
    passed = [_argument(each) for each in (*call.args, *(keyword.value for keyword in call.keywords))]
    if all(name in given for name in passed):
        values = [given[name] for name in passed]
        named = {str(word.arg): value for word, value in zip(call.keywords, values[len(call.args) :], strict=True)}
        check(*values[: len(call.args)], **named)


def _argument(node: ast.expr) -> str:
    """The constructor's argument that an expression passes on: ``steps``, or ``self.steps`` in a dataclass."""
    return ast.unparse(node).removeprefix("self.")
