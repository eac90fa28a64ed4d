"""Where a value of a composed config was said: on the command line, or in which file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from facet.command_line import SETTING
from facet.presets import line

READS = re.compile(r"\$\{([\w.]+)\}")  # a value that is another key's


class Origins:
    """Who said what of a composed config.

    Args:
        config: as Hydra composed it, interpolations unresolved.
        directory: ``conf/``.
        primary: the primary config's name.
        choices: Hydra's group choices.
        overrides: what was said on the command line.
    """

    def __init__(
        self, config: DictConfig, directory: Path, primary: str, choices: Mapping[str, Any], overrides: Sequence[str]
    ) -> None:
        self.config, self.directory, self.primary, self.choices = config, directory, primary, choices
        settings = [setting["key"].lstrip("+") for setting in map(SETTING.fullmatch, overrides) if setting]
        self.typed = [key for key in settings if key not in choices]

    def told(self, path: str) -> str:
        """A key for an error message, with the place where its value was said: the one that it reads, if it reads one.

        ``networks.kind (command line; read by model.encoder.kind)``
        """
        key = self.source(path)
        said = next((each for each in self.typed if key == each or key.startswith(f"{each}.")), None)
        said = said or next((each for each in self.typed if each.startswith(f"{key}.")), None)
        where = "command line" if said else self.file_of(key)
        reader = f"read by {path}" if key != path else ""
        notes = "; ".join(filter(None, (where, reader)))
        return f"{key} ({notes})" if notes else key

    def source(self, path: str) -> str:
        """The key that a key's value stands under, interpolations followed."""
        for _ in range(20):  # more would be a circle
            value = self._raw(path)
            match = READS.fullmatch(value) if isinstance(value, str) else None
            if not match or self._node(match[1]) is None:
                break
            path = match[1]
        return path

    def file_of(self, path: str) -> str | None:
        """The chosen file in which a key stands, the most specific first; None if it's from elsewhere."""
        composed = self._raw(path)
        holding = [
            (name, value)
            for name, package, within in self._files()
            for value in self._found(name, package, within, path)
        ]
        for name, value in holding:
            if value == composed:
                return f"conf/{name}"
        return f"conf/{holding[0][0]}" if holding else None

    def _raw(self, path: str) -> Any:
        node = self._node(path)
        return OmegaConf.to_container(node) if isinstance(node, DictConfig | ListConfig) else node and node._value()

    def _node(self, path: str) -> Any:
        """What stands under a key, uninterpreted; None if nothing."""
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
        """The chosen files, the most specific first: each with its package, and where in it one has to look."""
        chosen = [
            (group, choice) for group, choice in self.choices.items() if choice and not group.startswith("hydra/")
        ]
        for group, choice in sorted(chosen, key=lambda pair: "experiment" not in pair[0]):
            place, _, package = group.strip("/").partition("@")
            if place == "settings":
                continue  # is made of what follows
            files = list(self._with_defaults(f"{place}/{choice}.yaml", package or place.replace("/", ".")))
            if place == "model":
                presets = reversed(line(str(self.choices.get("preset"))))
                yield from ((name, "", f"preset.{preset}.") for preset in presets for name, _ in files)
            yield from ((name, package, "") for name, package in files)
        yield f"{self.primary}.yaml", "", ""

    def _with_defaults(self, name: str, package: str) -> Iterator[tuple[str, str]]:
        """A file, and those that it builds upon."""
        file = self.directory / name
        if not file.is_file():
            return
        if header := re.search(r"^# @package (\S+)", text := file.read_text("utf-8"), re.MULTILINE):
            package = header[1].replace("_global_", "")
        yield name, package
        for each in OmegaConf.select(OmegaConf.create(text), "defaults") or []:
            if isinstance(each, str) and each != "_self_":
                place = each.strip("/") if each.startswith("/") else f"{Path(name).parent.as_posix()}/{each}"
                yield from self._with_defaults(f"{place}.yaml", package)

    def _found(self, name: str, package: str, within: str, path: str) -> Iterator[Any]:
        """The value of a key in a file, if it stands there."""
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
