"""The primary config of each command: its keys, their types, and the groups of ``conf/`` that it chooses from.

A command's keys are the fields of a dataclass ``Settings`` in ``facet/<command>.py`` (or
``facet/<command>/command.py``). Annotations give the types, comments the meanings (they are the help text), and
``groups`` names the folders of ``conf/`` that the command chooses from. ``facet-train`` is the exception: its values
are in ``conf/train.yaml``, their types in ``facet/train.py``.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import re
import typing
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from facet.presets import OPEN, opened

QUIET = [{f"override hydra/{which}_logging": "none"} for which in ("job", "hydra")]


def settings_of(primary: str) -> Any:
    """The dataclass ``Settings`` of a command; None if it has none."""
    for place in (f"facet.{primary}", f"facet.{primary}.command"):
        if importlib.util.find_spec(place) and hasattr(module := importlib.import_module(place), "Settings"):
            return module.Settings
    return None


def types(settings: Any) -> dict[str, Any]:
    """The annotation of each key, by name."""
    hints = typing.get_type_hints(settings, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(settings)}


def values(settings: Any) -> dict[str, Any]:
    """The default of each key, as plain values."""
    return {field.name: _value(field) for field in dataclasses.fields(settings)}


def _value(field: Any) -> Any:
    value = field.default if field.default is not dataclasses.MISSING else field.default_factory()
    if dataclasses.is_dataclass(value):
        return values(value)
    return list(value) if isinstance(value, tuple) else value


def register(primary: str, conf: Path) -> None:
    """Register with Hydra the config of a command that has no file in ``conf/``."""
    if (conf / f"{primary}.yaml").is_file():
        return
    settings = settings_of(primary)
    assert settings is not None, primary
    groups = [{group: choice} for group, choice in settings.groups.items()]
    own = values(settings)
    hydra: Any = {"output_subdir": None, "run": {"dir": "."}, "job": {"chdir": False}}
    hydra["sweep"] = {"dir": "${runs}" if "runs" in own else ".", "subdir": "."}
    node = opened(*(group for group in settings.groups if group in OPEN and group not in own))
    node.merge_with(opened(*(key for key, value in own.items() if value == {})))  # any name may be set in it
    node.merge_with({**own, "hydra": hydra, "defaults": [*groups, "_self_", *QUIET]})
    ConfigStore.instance().store(name=primary, node=node)


def described(settings: Any) -> str:
    """A command's keys as YAML, with the comments of its ``Settings``."""
    comments = dict(re.findall(r"^    (\w+): .*?  # (.*)$", inspect.getsource(settings), re.MULTILINE))
    about = " ".join((inspect.getdoc(settings) or "").split("\n\n")[0].split())
    lines = [f"# {about}"]
    for key, value in values(settings).items():
        note = f"  # {comments[key]}" if key in comments else ""
        lines.append(f"{key}: {json.dumps(value)}{note}")
    return "\n".join(lines)


def groups_of(primary: str, conf: Path) -> list[str]:
    """The groups of ``conf/`` that a command chooses from."""
    if not (conf / f"{primary}.yaml").is_file():
        return list(settings_of(primary).groups)
    defaults: Any = OmegaConf.to_container(OmegaConf.load(conf / f"{primary}.yaml")).get("defaults", [])  # type: ignore[union-attr]
    return [str(group) for entry in defaults if isinstance(entry, dict) for group in entry if "override" not in group]


def keys_of(primary: str, conf: Path) -> list[str]:
    """The keys at the top level of a command's config: its own keys and its groups."""
    if not (conf / f"{primary}.yaml").is_file():
        return [*values(settings_of(primary)), *groups_of(primary, conf)]
    own = [str(key) for key in OmegaConf.load(conf / f"{primary}.yaml") if key not in ("defaults", "hydra")]
    return [*own, *groups_of(primary, conf)]
