"""What a preset means for a model.

A file in ``conf/model`` is the preset ``paper`` in full. Its section ``preset: NAME: …`` is what another one changes.
The files of ``conf/shared`` that it builds on may have such sections, too. A file in ``conf/preset`` is what a preset
changes of every model, and its ``defaults`` name the preset that it derives from. The order, from the first of the
presets that one derives from: what its file says, then what the model's sections say.
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
# Nodes of which the check knows the keys, of constructors, or what is read: the command line may say any of them, and a
# run of a sweep that doesn't have one fails alone.
OPEN = ("networks", "data", "model", "trainer", "callbacks", "logger")

# What the files say, as :func:`register` has read them: of each preset, and of each model with what it builds on.
_presets: dict[str, Tree] = {}
_models: dict[str, list[Tree]] = {}
_state: list[tuple[Path, int]] = []  # of the files that were read last


def register(conf: Path) -> None:
    """Read the files, and give Hydra ``settings/MODEL/PRESET`` for every pair, and ``ablation=none``."""
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
    """Nodes in which the command line may set what stands in no file."""
    node = OmegaConf.create({})
    for key in keys:
        node[key] = DictConfig({}, flags={"struct": False})
    return node


def line(preset: str, behind: tuple[str, ...] = ()) -> list[str]:
    """A preset after those that it derives from."""
    said = _presets.get(preset, {}).get("defaults", [])
    bases = [base.rsplit("/", 1)[-1] for base in said if base != "_self_"]
    seen = (preset, *behind)  # a circle is Hydra's to refuse
    return [*(name for base in bases if base not in seen for name in line(base, seen)), preset]


def value(key: str, method: str, preset: str) -> Any:
    """What stands under a key where the model's file and those of the preset are all; ``...`` if nothing."""
    for part in reversed([*_models[method], *_parts(method, preset)]):
        if (found := _under(part, key)) is not ...:
            return found
    return ...


def _parts(method: str, preset: str) -> Iterator[Tree]:
    """What a preset, after those that it derives from, says of every model, and of one."""
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
    """What a file says, after those that it builds on."""
    said = _read(file)
    for base in said.get("defaults", []):
        if isinstance(base, str) and base != "_self_":
            place = conf / base.strip("/") if base.startswith("/") else file.parent / base
            yield from _files(conf, place.with_suffix(".yaml"))
    yield said


def _read(file: Path) -> Tree:
    """What a file says; nothing where it can't be read, which Hydra tells whoever chooses it."""
    try:
        found: Any = OmegaConf.to_container(OmegaConf.load(file))
    except (OSError, YAMLError, OmegaConfBaseException):
        return {}
    return found if isinstance(found, dict) else {}
