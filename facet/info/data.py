"""The data sets of ``conf/data``: whether their files are there. Nothing is drawn or decoded, and no file is opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from facet.configuration import choices, config_directory
from facet.errors import UserError
from facet.making import make


def data_sets() -> list[list[str]]:
    """A row for each data set: its name, whether its files are there, and its packed stores; then the environment."""
    rows = [[name, *_described(name)] for name in choices("data")]
    return [*rows, *([name, os.environ.get(name) or "not set"] for name in ("FACET_DATA", "FACET_CACHE"))]


def _described(name: str) -> list[str]:
    conf: Any = OmegaConf.load(config_directory() / "data" / f"{name}.yaml")
    try:
        data = make(OmegaConf.create({"_target_": conf["_target_"]}))
    except UserError:  # it has no usual place: the user names one
        return ["your own: data.root=DIRECTORY"]
    found, place = "drawn", None
    if looked_for := data.looked_for():
        place, is_there = looked_for
        found = f"{'found in' if is_there else 'not in'} {at_home(place)}"
    stores = packed(data.directory)
    where = "" if data.directory == place else f" in {at_home(data.directory)}"
    return [found, f"{stores or 'no'} packed {'store' if stores == 1 else 'stores'}{where}"]


def packed(directory: Path) -> int:
    """The number of packed stores in a directory."""
    return sum(file.is_file() for file in directory.glob("*/store.json"))


def at_home(path: Path) -> str:
    """A path with ``~`` for the user's home directory."""
    try:
        return f"~/{path.absolute().relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)
