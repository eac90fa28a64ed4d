"""Composes the settings of a preset for a model.

A file in ``conf/model`` holds the settings of the preset ``paper``. Its section ``preset: NAME: …`` holds what the
preset NAME changes. Its base files in ``conf/shared`` may have such sections, too. A file in ``conf/preset`` holds what
a preset changes for every model; its ``defaults`` name the preset that it derives from.

Settings are merged in the order of derivation, the base preset first. For each preset, its file comes first, then its
sections in the model's files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

Tree = dict[str, Any]
# Nodes whose keys :mod:`facet.configuration` checks. Hydra lets the command line add any key to them, so that in a
# sweep only the runs fail that don't have the key.
OPEN = ("networks", "data", "model", "trainer", "callbacks", "logger")

# The contents of the files, as read by :func:`register`.
_presets: dict[str, Tree] = {}
_models: dict[str, list[Tree]] = {}  # of each model, its base files first
_state: list[tuple[Path, int]] = []  # the files read last, with their modification times


def register(conf: Path) -> None:
    """Read the files, and register ``settings/MODEL/PRESET`` for every pair, and ``ablation=none``, with Hydra."""
    folders = ("model", "preset", "shared")
    state = [(file, file.stat().st_mtime_ns) for folder in folders for file in sorted((conf / folder).glob("*.yaml"))]
    if state == _state:
        return
    _state[:] = state
    _presets.clear()
    _models.clear()
    _presets.update({file.stem: _read(file) for file in sorted((conf / "preset").glob("*.yaml"))})
    for file in sorted((conf / "model").glob("*.yaml")):
        _models[file.stem] = list(_files(conf, file))
    store = ConfigStore.instance().store
    store(group="ablation", name="none", node={}, package="_global_")
    for method in _models:
        for preset in _presets:
            parts = list(_parts(method, preset))
            names = [f"{preset}.{number}" for number in range(len(parts))]
            files = [f"/settings/{method}/{name}" for name in names]
            for name, part in zip(names, parts, strict=True):
                store(group=f"settings/{method}", name=name, node=part, package="_global_")
            last = opened(*OPEN)
            last.merge_with({"defaults": [*files, "_self_"], "method": method, "preset": preset})
            store(group=f"settings/{method}", name=preset, node=last, package="_global_")


def opened(*keys: str) -> DictConfig:
    """Nodes to which the command line may add keys that are in no file."""
    node = OmegaConf.create({})
    for key in keys:
        node[key] = DictConfig({}, flags={"struct": False})
    return node


def line(preset: str, behind: tuple[str, ...] = ()) -> list[str]:
    """The presets that a preset derives from, the most basic first, then the preset itself."""
    defaults = _presets.get(preset, {}).get("defaults", [])
    bases = [base.rsplit("/", 1)[-1] for base in defaults if base != "_self_"]
    seen = (preset, *behind)  # Hydra refuses a cycle
    return [*(name for base in bases if base not in seen for name in line(base, seen)), preset]


def value(key: str, method: str, preset: str) -> Any:
    """The value of a key in a model's files under a preset, before any other choice; ``...`` if it isn't set."""
    for part in reversed([*_models[method], *_parts(method, preset)]):
        if (stated := _under(part, key)) is not ...:
            return stated
    return ...


def _parts(method: str, preset: str) -> Iterator[Tree]:
    """The settings of a preset for a model, in the order in which they are merged."""
    for name in line(preset):
        yield {key: value for key, value in _presets.get(name, {}).items() if key != "defaults"}
        for file in _models[method]:
            if part := (file.get("preset") or {}).get(name):
                yield part


def _under(tree: Tree, key: str) -> Any:
    node: Any = tree
    for part in key.split("."):
        if not isinstance(node, dict) or part not in node:
            return ...
        node = node[part]
    return node


def _files(conf: Path, file: Path) -> Iterator[Tree]:
    """The content of a file, after those of its base files."""
    content = _read(file)
    for base in content.get("defaults", []):
        if isinstance(base, str) and base != "_self_":
            place = conf / base.strip("/") if base.startswith("/") else file.parent / base
            yield from _files(conf, place.with_suffix(".yaml"))
    yield content


def _read(file: Path) -> Tree:
    """The content of a file; empty if it can't be read."""
    try:
        content: Any = OmegaConf.to_container(OmegaConf.load(file))
    except (OSError, YAMLError, OmegaConfBaseException):  # Hydra reports it if the file is chosen
        return {}
    return content if isinstance(content, dict) else {}
