"""Data of others: csv, CelebA's tables, zips, shards, digits, pictures, as ``facet-data build`` takes them."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from fuzzing.harness import FoundError, check_left, exit_code, write
from omegaconf import DictConfig, OmegaConf

from datamodules.splits import SPLITS
from datamodules.store import PackedStore
from facet.configuration import compose_config
from facet.dataset import dataset

Files = dict[str, bytes]
SOME = 8  # one of so many refused inputs is followed by a good one, and one of so many pictures is built into a store
Given = tuple[Files, dict[str, Any]]
"""Files by name, in place of the good ones; and settings of the data set."""


def files_below(root: Path) -> Files:
    """All files below a directory."""
    return {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*")) if file.is_file()}


def made(make: Callable[[Path], object]) -> Files:
    """The files that a function makes in a directory."""
    with tempfile.TemporaryDirectory() as name:
        make(Path(name) / "data")
        return files_below(Path(name) / "data")


@functools.cache
def _config(data: str) -> DictConfig:
    return compose_config("dataset", [f"data={data}", "data.workers=1"])


def build(data: str, place: Path, settings: dict[str, Any]) -> int:
    """``facet-data build`` with the data in ``data/`` and the stores in ``store/``."""
    config = _config(data).copy()
    OmegaConf.update(config, "data", {"root": str(place / "data"), "store": str(place / "store"), **settings})
    bars = patch("datamodules.stored.shown", lambda chunks, *given: chunks), patch("facet.dataset._info")
    with patch("facet.dataset.check"), bars[0], bars[1]:  # settings are right, and what is shown costs half of the time
        return exit_code("dataset", lambda: dataset("build", config), named=(str(place), "data.", "data="))


def attempt(data: str, good: Files, usual: dict[str, Any], given: Given, place: Path, greys: Sequence[int] = ()) -> int:
    """Build stores of odd files, then of good ones in the same place: those have to be right then.

    Args:
        data: which data set.
        good: all its files.
        usual: settings, unless others are given.
        given: the odd ones.
        place: an empty directory.
        greys: the only ones that a picture can have, where pictures are not what is odd.
    """
    files, settings = given
    write(place / "data", {**{name: content for name, content in good.items() if name not in files}, **files})
    code = build(data, place, {**usual, **settings})
    _check_stores(place, complete=not code, greys=greys)
    if code and sum(map(len, files.values())) % SOME == 0:
        for name in files.keys() - good.keys():
            (place / "data" / name).unlink()
        write(place / "data", {name: good[name] for name in files if name in good})
        if build(data, place, usual):
            raise FoundError("after good files were put in the place of odd ones, they were refused")
        _check_stores(place, complete=True, greys=greys)
    return code


def _check_stores(place: Path, complete: bool, greys: Sequence[int]) -> None:
    def belongs(file: Path) -> bool:
        return file.suffix == ".lock" or file.parent.suffix == ".partial" or (file.parent / "store.json").is_file()

    check_left(place / "store", belongs)
    check_left(place / "cache", lambda file: file.parent.name == "contents" and "-" not in file.name)
    stores = [PackedStore.open(file.parent, verify=True) for file in place.glob("store/*/store.json")]
    if complete and len({store.path.name.split("-")[0] for store in stores}) < len(SPLITS):
        raise FoundError(f"exit code 0, and stores of {stores} alone")
    for store in stores:
        means = np.unique(store.images.reshape(len(store.images), -1).mean(1).round())
        if greys and np.abs(means[:, None] - np.array(greys)).min(1).max(initial=0) > 2:
            raise FoundError(f"{store.path} has pictures of greys {means}, which there are none of")
