"""Composed configs, completed: files say what differs from a constructor's defaults, its signature says the rest.

So a config holds every setting of our classes, a run's ``config.yaml`` all that it was trained with, and it is one run
whether a default was spelled out or not.
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
    """Set, in place, what isn't said and has a default: of the classes of our packages, at any depth.

    An argument that is a dataclass of ours, a group of settings, may be said without its ``_target_``; None, or nothing
    said, is the group with its defaults.
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
    """A group of settings, where it stands without its class."""
    value = _node(node, name)
    if value._is_none():
        node[name] = {"_target_": group}
    elif isinstance(value, DictConfig) and not value._is_interpolation() and "_target_" not in value:
        value["_target_"] = group


def _parameters(node: DictConfig) -> Parameters:
    """Of what a node makes, if that is ours; else nothing."""
    target = _node(node, "_target_")
    name = "" if target is None else str(target._value())
    return _known(name) if name.split(".")[0] in OWN else {}


def _known(target: str) -> Parameters:
    """A signature; nothing of what no config may make, which isn't looked at: it might have to be imported for that."""
    with suppress(LookupError):  # which the check refuses
        return signature(target) if is_allowed(target) else {}
    return {}


def _node(node: DictConfig, key: str) -> Any:
    """What stands under a key, uninterpreted; None if nothing."""
    return node._get_node(key, validate_access=False)


def group_of(annotation: Any) -> str | None:
    """The dataclass of ours that an argument is, or may be; None if it isn't one."""
    found = [each for one in (annotation, *get_args(annotation)) if (each := settings_class(one))]
    return found[0] if len(found) == 1 else None


def _children(node: DictConfig) -> Iterator[Any]:
    for key in list(node):
        child = _node(node, key)
        if isinstance(child, DictConfig | ListConfig) and not (
            child._is_none() or child._is_missing() or child._is_interpolation()
        ):
            yield from (child._get_node(i) for i in range(len(child))) if isinstance(child, ListConfig) else (child,)


def canonical(node: Any) -> Any:
    """A completed, resolved config in which no default of a library is spelled out, and 1 is 1.0."""
    if isinstance(node, list):
        return [canonical(each) for each in node]
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
    """Whether a default is something that a config can hold, and known."""
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def plain(value: Any) -> Any:
    """As a config holds it."""
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value
