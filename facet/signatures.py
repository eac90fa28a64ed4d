"""Reads the signatures of what configs call from source files: importing torch to refuse a typo would take seconds.

If the source isn't enough (a class written in C, a module that computes its names), the module is imported.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import typing
from collections.abc import Callable
from typing import Any

from hydra.utils import get_object

from facet.source import Source, UnclearError

Parameters = dict[str, inspect.Parameter]
ARGUMENT = re.compile(r"^    (\w+(?:, \w+)*): (.+)((?:\n {8}.+)*)", re.MULTILINE)  # an argument in a docstring


@functools.lru_cache(maxsize=512)
def signature(target: str) -> Parameters:
    """The parameters of a function or constructor, without ``self``; annotations are resolved if possible.

    Args:
        target: the dotted name of the function or class.

    Returns:
        Parameters by name; a default that can't be read from the source is ``...``.

    Raises:
        LookupError: there is no such function or class.
    """
    try:
        return _read(target)
    except UnclearError:
        try:
            return imported(get_object(target))
        except (ImportError, ValueError, AttributeError) as error:
            raise LookupError(target) from error


@functools.lru_cache(maxsize=512)
def meanings(target: str) -> dict[str, str]:
    """The descriptions of arguments in the docstrings of a class and its bases; empty if the source can't be read."""
    module, _, name = target.rpartition(".")
    try:
        place, node = Source.of(module).definition(name)
    except (UnclearError, LookupError):
        return {}
    text = ast.get_docstring(node) if isinstance(node, ast.ClassDef | ast.FunctionDef) else None
    by_name: dict[str, str] = {}
    for base in node.bases if isinstance(node, ast.ClassDef) else ():
        base = base.value if isinstance(base, ast.Subscript) else base  # a generic one
        if isinstance(base, ast.Name):
            by_name |= meanings(f"{place.name}.{base.id}")
    for names, first, more in ARGUMENT.findall(text or ""):
        meaning = re.sub(r"(:\w+:)?`+~?([^`]+)`+", r"\2", " ".join(f"{first} {more}".split()).rstrip("."))
        by_name |= dict.fromkeys(names.split(", "), meaning)
    return by_name


def imported(function: Callable[..., Any]) -> Parameters:
    """The parameters of an imported function or class, as :func:`signature` returns them."""
    parameters = dict(inspect.signature(function).parameters)
    owner = function.__init__ if inspect.isclass(function) else function  # type: ignore[misc]
    try:
        hints = typing.get_type_hints(inspect.unwrap(owner), include_extras=True)
    except (NameError, TypeError):
        hints = {}
    return {
        name: parameter.replace(annotation=hints.get(name, inspect.Parameter.empty))
        for name, parameter in parameters.items()
    }


def _read(target: str) -> Parameters:
    module, _, name = target.rpartition(".")
    place, node = Source.of(module).definition(name)
    if isinstance(node, ast.FunctionDef):
        return _parameters(place, node.args)
    if isinstance(node, ast.ClassDef):
        return _constructor(place, node)
    raise UnclearError(target)


def _constructor(place: Source, node: ast.ClassDef) -> Parameters:
    """Parameters from a class's ``__init__``, else from its dataclass fields, else from its first base class."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            return dict(list(_parameters(place, statement.args).items())[1:])
    if any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        if node.bases:
            raise UnclearError(node.name)
        fields = [each for each in node.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)]
        return {
            name: _parameter(place, name, inspect.Parameter.POSITIONAL_OR_KEYWORD, each.annotation, each.value)
            for each in fields
            if (name := typing.cast(ast.Name, each.target).id)
        }
    for base in node.bases:
        if isinstance(base, ast.Name):
            above, found = place.definition(base.id)
            if isinstance(found, ast.ClassDef):
                return _constructor(above, found)
        break
    raise UnclearError(node.name)


def _parameters(place: Source, arguments: ast.arguments) -> Parameters:
    kind = inspect.Parameter
    ordered = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(ordered) - len(arguments.defaults)) + [*arguments.defaults]
    found: Parameters = {}
    for argument, default in zip(ordered, defaults, strict=True):
        named = kind.POSITIONAL_ONLY if argument in arguments.posonlyargs else kind.POSITIONAL_OR_KEYWORD
        found[argument.arg] = _parameter(place, argument.arg, named, argument.annotation, default)
    if several := arguments.vararg:
        found[several.arg] = kind(several.arg, kind.VAR_POSITIONAL)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found[argument.arg] = _parameter(place, argument.arg, kind.KEYWORD_ONLY, argument.annotation, default)
    if others := arguments.kwarg:
        found[others.arg] = kind(others.arg, kind.VAR_KEYWORD)
    return found


def _parameter(
    place: Source, name: str, kind: Any, annotation: ast.expr | None, default: ast.expr | None
) -> inspect.Parameter:
    """A parameter; its default is ``...`` if it can't be read from the source."""
    value = place.default(default) if default is not None else inspect.Parameter.empty
    return inspect.Parameter(name, kind, default=value, annotation=place.annotation(annotation))
