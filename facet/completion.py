"""Completes composed configs with the defaults of the constructors that they call.

Files set only what differs from the defaults. A completed config, and so a run's ``config.yaml``, holds every setting
of our classes. Spelling out a default doesn't make another run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, get_args

from omegaconf import DictConfig, ListConfig, flag_override

from facet.signatures import Parameters, signature
from facet.source import settings_class
from facet.targets import OWN, is_allowed

VARIABLE = ("VAR_POSITIONAL", "VAR_KEYWORD")


def complete(config: DictConfig) -> None:
    """Set, in place, missing arguments of our classes to their defaults, at any depth.

    An argument whose type is a dataclass of ours is a group of settings. Its ``_target_`` may be left out. A group that
    is missing or None becomes the group with its defaults.
    """
    with flag_override(config, ["struct", "readonly"], False):
        _complete(config)


def _complete(node: DictConfig) -> None:
    for name, parameter in _parameters(node).items():
        present = _node(node, name) is not None
        if not present and parameter.kind.name not in VARIABLE and is_plain(parameter.default):
            node[name] = plain(parameter.default)
        if (group := group_of(parameter.annotation)) and _node(node, name) is not None:
            _make_group(node, name, group)
    for child in _children(node):
        if isinstance(child, DictConfig):
            _complete(child)


def _make_group(node: DictConfig, name: str, group: str) -> None:
    """Add the class to a group of settings that is given without it."""
    value = _node(node, name)
    if value._is_none():
        node[name] = {"_target_": group}
    elif isinstance(value, DictConfig) and not value._is_interpolation() and "_target_" not in value:
        value["_target_"] = group


def _parameters(node: DictConfig) -> Parameters:
    """The parameters of the class that a node instantiates; empty if it isn't one of ours."""
    target = _node(node, "_target_")
    name = "" if target is None else str(target._value())
    return _known(name) if name.split(".")[0] in OWN else {}


def _known(target: str) -> Parameters:
    """A target's signature; empty if it can't be read or isn't allowed in a config."""
    # A target that isn't allowed isn't looked at: reading its signature might import it.
    with suppress(LookupError):  # the check of the config refuses it
        return signature(target) if is_allowed(target) else {}
    return {}


def _node(node: DictConfig, key: str) -> Any:
    """The node under a key, interpolations unresolved; None if there is none."""
    return node._get_node(key, validate_access=False)


def group_of(annotation: Any) -> str | None:
    """The dotted name of the dataclass in an argument's annotation; None if there isn't exactly one of ours."""
    groups = [group for part in (annotation, *get_args(annotation)) if (group := settings_class(part))]
    return groups[0] if len(groups) == 1 else None


def _children(node: DictConfig) -> Iterator[Any]:
    for key in list(node):
        child = _node(node, key)
        if isinstance(child, DictConfig | ListConfig) and not (
            child._is_none() or child._is_missing() or child._is_interpolation()
        ):
            yield from (child._get_node(i) for i in range(len(child))) if isinstance(child, ListConfig) else (child,)


def canonical(node: Any) -> Any:
    """A completed, resolved config without library defaults that are spelled out, and with all numbers as floats."""
    if isinstance(node, list):
        return [canonical(element) for element in node]
    if isinstance(node, int | float) and not isinstance(node, bool):
        return float(node)
    if not isinstance(node, dict):
        return node
    target = str(node.get("_target_") or "")
    parameters = _known(target) if target and target.split(".")[0] not in OWN else {}
    return {
        key: canonical(value)
        for key, value in node.items()
        if key not in parameters or canonical(value) != canonical(plain(parameters[key].default))
    }


def is_plain(value: Any) -> bool:
    """Whether a default is known and is a value that a config can hold."""
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def plain(value: Any) -> Any:
    """A default as a config holds it: tuples become lists."""
    return [plain(element) for element in value] if isinstance(value, list | tuple) else value
