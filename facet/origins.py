"""Finds where a value of a composed config was set: on the command line, or in which file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from facet.command_line import SETTING
from facet.presets import line

READS = re.compile(r"\$\{([\w.]+)\}")  # an interpolation of another key


class Origins:
    """The origins of a composed config's values.

    Args:
        config: as Hydra composed it, interpolations unresolved.
        directory: ``conf/``.
        primary: the primary config's name.
        choices: Hydra's group choices.
        overrides: the command line's overrides.
    """

    def __init__(
        self, config: DictConfig, directory: Path, primary: str, choices: Mapping[str, Any], overrides: Sequence[str]
    ) -> None:
        self.config, self.directory, self.primary, self.choices = config, directory, primary, choices
        settings = [setting["key"].lstrip("+") for setting in map(SETTING.fullmatch, overrides) if setting]
        self.typed = [key for key in settings if key not in choices]

    def told(self, path: str) -> str:
        """A key for an error message, with the place where its value was set.

        If the key reads another one, that one is named:
        ``networks.kind (command line; read by model.encoder.kind)``.
        """
        key = self.source(path)
        typed = any(f"{key}.".startswith(f"{other}.") or other.startswith(f"{key}.") for other in self.typed)
        where = "command line" if typed else self.file_of(key)
        reader = f"read by {path}" if key != path else ""
        notes = "; ".join(filter(None, (where, reader)))
        return f"{key} ({notes})" if notes else key

    def source(self, path: str) -> str:
        """The key that holds a key's value, with interpolations followed."""
        for _ in range(20):  # a longer chain is a cycle
            value = self._raw(path)
            match = READS.fullmatch(value) if isinstance(value, str) else None
            if not match or self._node(match[1]) is None:
                break
            path = match[1]
        return path

    def file_of(self, path: str) -> str | None:
        """The chosen file that sets a key's value; None if no chosen file has the key.

        If several files have the key, the most specific one with the composed value is named.
        """
        composed = self._raw(path)
        holding = [
            (name, value)
            for name, package, within in self._files()
            for value in self._value_in(name, package, within, path)
        ]
        for name, value in holding:
            if value == composed:
                return f"conf/{name}"
        return f"conf/{holding[0][0]}" if holding else None

    def _raw(self, path: str) -> Any:
        node = self._node(path)
        return OmegaConf.to_container(node) if isinstance(node, DictConfig | ListConfig) else node and node._value()

    def _node(self, path: str) -> Any:
        """The node under a key, interpolations unresolved; None if there is none."""
        node: Any = self.config
        for part in path.split("."):
            if isinstance(node, ListConfig) and part.isdigit() and int(part) < len(node):
                node = node._get_node(int(part))
            elif isinstance(node, DictConfig) and not (node._is_none() or node._is_interpolation()):
                node = node._get_node(part, validate_access=False)
            else:
                return None
        return node

    def _files(self) -> Iterator[tuple[str, str, str]]:
        """(file, package, prefix of keys in the file) of the chosen files, the most specific first."""
        chosen = [
            (group, choice) for group, choice in self.choices.items() if choice and not group.startswith("hydra/")
        ]
        for group, choice in sorted(chosen, key=lambda pair: "experiment" not in pair[0]):
            place, _, package = group.strip("/").partition("@")
            if place == "settings":
                continue  # composed from the model's files and their presets, which follow
            files = list(self._with_defaults(f"{place}/{choice}.yaml", package or place.replace("/", ".")))
            if place == "model":
                presets = reversed(line(str(self.choices.get("preset"))))
                yield from ((name, "", f"preset.{preset}.") for preset in presets for name, _ in files)
            yield from ((name, package, "") for name, package in files)
        yield f"{self.primary}.yaml", "", ""

    def _with_defaults(self, name: str, package: str) -> Iterator[tuple[str, str]]:
        """A file and its bases, each with its package."""
        file = self.directory / name
        if not file.is_file():
            return
        if header := re.search(r"^# @package (\S+)", text := file.read_text("utf-8"), re.MULTILINE):
            package = header[1].replace("_global_", "")
        yield name, package
        for base in OmegaConf.select(OmegaConf.create(text), "defaults") or []:
            if isinstance(base, str) and base != "_self_":
                place = base.strip("/") if base.startswith("/") else f"{Path(name).parent.as_posix()}/{base}"
                yield from self._with_defaults(f"{place}.yaml", package)

    def _value_in(self, name: str, package: str, within: str, path: str) -> Iterator[Any]:
        """The value of a key in a file; nothing if the file doesn't have it."""
        if not (self.directory / name).is_file() or (package and not path.startswith(f"{package}.")):
            return
        node: Any = OmegaConf.to_container(OmegaConf.load(self.directory / name))
        for part in f"{within}{path.removeprefix(f'{package}.' if package else '')}".split("."):
            if isinstance(node, list) and part.isdigit():
                node = node[int(part)] if int(part) < len(node) else None
            elif isinstance(node, dict) and part in node:
                node = node[part]
            else:
                return
        yield node
