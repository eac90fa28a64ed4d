"""Runs the checks at the beginning of constructors, read from their source: refusing a number doesn't import torch.

A check is a statement that calls a function of a module named ``checks`` with parameters of the constructor, such as
``at_least_one(steps=self.steps)``. The same call is made here, so a rule and its message are written only once.
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
    """Call a constructor's checks with the arguments of a config.

    Args:
        target: the constructor's dotted name.
        given: its arguments, without those that are built from nodes. Checks of other arguments are skipped here; the
            constructor makes them.

    Raises:
        ValueError: a check refuses an argument.
    """
    for rule in _rules(target):
        rule(given)


@functools.lru_cache(maxsize=512)
def _rules(target: str) -> tuple[Rule, ...]:
    module, _, name = target.rpartition(".")
    try:
        source, node = Source.of(module).definition(name)
        return tuple(_of_class(source, node)) if isinstance(node, ast.ClassDef) else ()
    except (UnclearError, LookupError):
        return ()


def _of_class(source: Source, node: ast.ClassDef) -> Iterator[Rule]:
    methods = [statement for statement in node.body if isinstance(statement, ast.FunctionDef)]
    constructor = next((method for method in methods if method.name in ("__init__", "__post_init__")), None)
    if constructor is None:
        for name in (base.id for base in node.bases if isinstance(base, ast.Name)):
            base_source, base = source.definition(name)
            if isinstance(base, ast.ClassDef):
                yield from _of_class(base_source, base)
        return
    for statement in constructor.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            call = statement.value
            if isinstance(call.func, ast.Name) and (check := _check(source, call.func.id)):
                yield functools.partial(_call, check, call)


def _check(source: Source, name: str) -> Callable[..., None] | None:
    """The function of a module named ``checks`` that a name stands for; None if it stands for anything else."""
    try:
        defined_in, node = source.definition(name)
    except (UnclearError, LookupError):
        return None
    if not isinstance(node, ast.FunctionDef) or not defined_in.name.endswith(".checks"):
        return None
    check: Callable[..., None] = getattr(importlib.import_module(defined_in.name), node.name)
    return check


def _call(check: Callable[..., None], call: ast.Call, given: Mapping[str, Any]) -> None:
    """Make the call with the given arguments; do nothing if one of its arguments isn't given."""
    if ast.unparse(call).endswith("(**asdict(self))"):  # in a dataclass: all arguments
        check(**given)
        return
    passed = [_argument(node) for node in (*call.args, *(keyword.value for keyword in call.keywords))]
    if all(name in given for name in passed):
        values = [given[name] for name in passed]
        keywords = [str(keyword.arg) for keyword in call.keywords]
        named = dict(zip(keywords, values[len(call.args) :], strict=True))
        check(*values[: len(call.args)], **named)


def _argument(node: ast.expr) -> str:
    """The constructor's argument that an expression reads: ``steps``, or ``self.steps`` in a dataclass."""
    return ast.unparse(node).removeprefix("self.")
