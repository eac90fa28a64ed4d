"""Resolves the names in a module's source file without importing the module."""

from __future__ import annotations

import ast
import builtins
import functools
import importlib
import inspect
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

LIGHT = {*sys.stdlib_module_names, "annotated_types", "typing_extensions"}  # packages whose import costs nothing


class UnclearError(Exception):
    """The source isn't enough to find out."""


@dataclass(frozen=True)
class Source:
    """A module's source: the statements that define names at its top level.

    Attributes:
        name: the module's dotted name.
        package: whether it is a package.
        names: by name, the statement that defines it.
    """

    name: str
    package: bool
    names: dict[str, ast.stmt]

    @staticmethod
    @functools.lru_cache(maxsize=512)
    def of(name: str) -> Source:
        """Read the source of a module, without importing its package.

        Raises:
            UnclearError: there is no Python file.
        """
        top, *rest = name.split(".")
        try:
            spec = find_spec(top)
        except (ImportError, ValueError) as error:
            raise UnclearError(name) from error
        file = Path(spec.origin) if spec and spec.origin else None
        for part in rest:
            directory = file.parent if file and file.name == "__init__.py" else None
            places = (directory / part / "__init__.py", directory / f"{part}.py") if directory else ()
            file = next((place for place in places if place.is_file()), None)
        if file is None or file.suffix != ".py":
            raise UnclearError(name)
        names: dict[str, ast.stmt] = {}
        for statement in _flat(ast.parse(file.read_text("utf-8")).body):
            names |= dict.fromkeys(_named(statement), statement)
        return Source(name, file.name == "__init__.py", names)

    def definition(self, name: str) -> tuple[Source, ast.AST]:
        """Find the definition of a name, following imports.

        Returns:
            The source that defines it, and its node: a class, a function, or a value.

        Raises:
            LookupError: the module has no such name.
            UnclearError: the source doesn't show whether it has.
        """
        node = self.names.get(name)
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            return self, node
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            return self, node.value
        if isinstance(node, ast.ImportFrom):
            alias = next(alias for alias in node.names if (alias.asname or alias.name) == name)
            return Source.of(self.absolute(node)).definition(alias.name)
        if node is None and not {"*", "__getattr__"} & set(self.names):
            raise LookupError(f"{self.name}.{name}")
        raise UnclearError(f"{self.name}.{name}")

    def absolute(self, node: ast.ImportFrom) -> str:
        """The module that ``from … import`` names."""
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        above = parts[: len(parts) - node.level + self.package]
        return ".".join([*above, *([node.module] if node.module else [])])

    def annotation(self, node: ast.expr | None) -> Any:
        """The value of an annotation; ``Parameter.empty`` if it can't be evaluated."""
        if node is None:
            return inspect.Parameter.empty
        try:
            return self.value(node)
        except Exception:  # evaluating an annotation may raise anything; the argument isn't checked then
            return inspect.Parameter.empty

    def default(self, node: ast.expr) -> Any:
        """The value of a parameter's default; ``...`` if it can't be evaluated or isn't plain."""
        try:
            return ast.literal_eval(node)
        except ValueError:
            pass
        try:  # an expression such as 1 / 3, or a constant of the module
            value = eval(compile(ast.Expression(node), self.name, "eval"), {"__builtins__": {}}, Names(self))
        except Exception:  # evaluating a default may raise anything
            return ...
        return value if isinstance(value, bool | int | float | str | tuple | list | None) else ...

    def value(self, node: ast.expr) -> Any:
        """Evaluate an expression. Names are resolved when needed; placeholders stand for classes."""
        unquoted = ast.fix_missing_locations(ast.Expression(_Unquoted().visit(node)))
        return eval(compile(unquoted, self.name, "eval"), {"__builtins__": {}}, Names(self))


class Names(dict[str, Any]):
    """The names of a module, for evaluating its annotations."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source

    def __missing__(self, name: str) -> Any:
        node = self.source.names.get(name)
        if node is None:
            return getattr(builtins, name)
        if isinstance(node, ast.Import):
            alias = next(alias for alias in node.names if (alias.asname or alias.name.split(".")[0]) == name)
            return _Module(alias.name if alias.asname else name)
        if isinstance(node, ast.ImportFrom):
            alias = next(alias for alias in node.names if (alias.asname or alias.name) == name)
            module = self.source.absolute(node)
            if module.split(".")[0] in LIGHT:
                return getattr(importlib.import_module(module), alias.name)
            with suppress(UnclearError):
                Source.of(f"{module}.{alias.name}")
                return _Module(f"{module}.{alias.name}")
        try:
            source, definition = self.source.definition(name)
        except (UnclearError, LookupError):
            return _placeholder(name)
        if isinstance(definition, ast.expr):
            return source.value(definition)
        decorators = [ast.unparse(decorator) for decorator in getattr(definition, "decorator_list", ())]
        is_dataclass = any("dataclass" in decorator for decorator in decorators)
        return _placeholder(f"{source.name}.{name}", is_dataclass)


class _Module:
    """A module in an annotation, such as ``nn`` in ``nn.Module``."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if self._name.split(".")[0] in LIGHT:
            return getattr(importlib.import_module(self._name), name)
        try:
            return Names(Source.of(self._name))[name]
        except (UnclearError, AttributeError):
            return _placeholder(name)


@functools.lru_cache(maxsize=512)
def _placeholder(name: str, is_dataclass: bool = False) -> type:
    """A class that stands for another one in annotations; no plain value is an instance of it."""
    known = {"__class_getitem__": classmethod(lambda cls, _: cls), "target": name if is_dataclass else None}
    return type(name.rsplit(".", 1)[-1], (), known)


def settings_class(annotation: Any) -> str | None:
    """The dotted name of the dataclass that an annotation is; None if it is anything else."""
    return getattr(annotation, "target", None) if isinstance(annotation, type) else None


class _Unquoted(ast.NodeTransformer):
    """Replaces quoted annotations by their expressions, except the choices of a ``Literal``."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return node if ast.unparse(node.value).endswith("Literal") else self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.parse(node.value, mode="eval").body if isinstance(node.value, str) else node


def _flat(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements at the top level, with those inside ``if`` and ``try``."""
    for statement in statements:
        if isinstance(statement, ast.If | ast.Try):
            blocks = [
                statement.orelse,
                *([h.body for h in statement.handlers] if isinstance(statement, ast.Try) else []),
            ]
            for block in (*blocks, statement.body):
                yield from _flat(block)
        else:
            yield statement


def _named(statement: ast.stmt) -> list[str]:
    """The names that a statement defines."""
    match statement:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            return [name]
        case ast.Import(names=aliases):
            return [alias.asname or alias.name.split(".")[0] for alias in aliases]
        case ast.ImportFrom(names=aliases):
            return [alias.asname or alias.name for alias in aliases]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case _:
            return []
