"""The ``--help`` of a command: its keys with their defaults, and the choices of every group."""

from __future__ import annotations

import json
import sys
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig

from facet import pages
from facet.configuration import choices, compose_config, config_directory
from facet.primary import described, groups_of, settings_of, types
from facet.signatures import meanings

HELP = ("-h", "--help")


def help_of(called: str, primary: str) -> str:
    """The help text of a command, for the groups chosen on the command line beside ``--help``.

    Args:
        called: the console command, such as ``facet-train``.
        primary: the name of its primary config, such as ``train``.
    """
    root = config_directory()
    settings = settings_of(primary)
    has_pages = settings is not None and "pages" in types(settings)
    usage = f"{called} {'[PAGE …] ' if has_pages else ''}KEY=VALUE …"
    lines = [f"{usage}      (-m: a sweep over comma-separated values; --hydra-help: Hydra's own options)"]
    file = root / f"{primary}.yaml"
    own = file.read_text("utf-8").split("\nhydra:")[0] if file.is_file() else described(settings)
    lines += ["", own.strip(), ""]
    chosen = [word for word in sys.argv[1:] if "=" in word and word.split("=")[0] in groups_of(primary, root)]
    try:
        config = compose_config(primary, chosen)
    except (
        HydraException,
        TypeError,
        ValueError,
    ):  # Hydra's, of a choice that is a number or a word that it can't read
        config = compose_config(primary, [])
    except FileNotFoundError:  # Hydra needs a working directory, and this one is gone
        config = DictConfig({})
    for key in ("networks", "model", "data", "trainer", "callbacks"):
        if isinstance(node := config.get(key), DictConfig) and key not in types(settings):
            lines += [f"{key}:", *_listed(node, "  "), ""]
    listed = [f"{group}= {' '.join(names)}" for group in groups_of(primary, root) if (names := choices(group))]
    if listed:
        lines += ["Choices:", "", *listed]
    if has_pages:
        lines += [*([""] if listed else []), "Pages:", "", *(f"{name}: {text}" for name, text in pages.summaries())]
    return "\n".join(lines).rstrip()


def _listed(node: DictConfig, indent: str) -> list[str]:
    """A line for each key of a node: its value as written, and its meaning from the class's docstring."""
    meaning = meanings(str(node["_target_"])) if "_target_" in node else {}
    lines = []
    for key in map(str, node):
        child = node._get_node(key)
        note = f"  # {meaning[key]}" if key in meaning else ""
        if isinstance(child, DictConfig) and not (child._is_none() or child._is_interpolation()):
            lines += [f"{indent}{key}:{note}", *_listed(child, f"{indent}  ")]
        else:
            lines.append(f"{indent}{key}: {_written(child)}{note}")
    return lines


def _written(node: Any) -> str:
    """A value as YAML, in one line."""
    if isinstance(node, ListConfig) and not (node._is_none() or node._is_interpolation()):
        return f"[{', '.join(_written(node._get_node(i)) for i in range(len(node)))}]"
    value = node._value()
    return value if isinstance(value, str) else json.dumps(value)
