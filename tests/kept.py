"""Compares two directories: the names of their files, and the contents bit for bit except times and paths."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open

FREE = ("save_minutes", "workers")  # settings that do not change results
TIMED = (".pdf", ".lock", "inputs.json", "verified.json", "last-before.ckpt")  # files whose contents depend on time
CLOCKS = ("seconds", "images_per_second", "Timer", "state")  # keys and columns of times
TEXTS = (".json", ".csv", ".yaml", ".html", ".md", ".tex")


def differences(expected: Path, found: Path) -> Iterator[str]:
    """Files that are missing, left over or different in ``found``; none if the directories agree."""
    names = [{str(file.relative_to(root)) for file in root.rglob("*") if file.is_file()} for root in (expected, found)]
    for name in sorted(names[0] ^ names[1]):
        yield f"{name} is {'missing' if name in names[0] else 'left over'}"
    for name in sorted(names[0] & names[1]):
        if not name.endswith(TIMED) and not _same(*(_content(root / name, root) for root in (expected, found))):
            yield f"{name} is other"


def _content(file: Path, root: Path) -> Any:
    """The contents of a file in a form that can be compared."""
    if file.suffix in (".ckpt", ".pt"):
        return torch.load(file, map_location="cpu", weights_only=True)
    if file.suffix == ".npz":
        with np.load(file) as arrays:
            return dict(arrays)
    if file.suffix == ".safetensors":
        with safe_open(file, "pt") as weights:
            return {name: weights.get_tensor(name) for name in weights.keys()}, weights.metadata()  # noqa: SIM118
    if file.suffix not in TEXTS:
        return file.read_bytes()
    text = file.read_text("utf-8").replace(str(root), "PLACE")
    if file.suffix == ".json":
        return json.loads(text)
    if file.name == "config.yaml":
        return re.sub(rf"\n *({'|'.join(FREE)}):.*", "", text)
    if file.suffix == ".csv":  # the order of columns is that of their first values
        rows = csv.DictReader(io.StringIO(text))
        untimed = [row for row in rows if not str(row.get("measure")).startswith(CLOCKS)]
        return [{key: value for key, value in row.items() if value} for row in untimed]
    if file.suffix == ".html":  # its numbers are those of table.csv
        return re.sub(r"data:[^\"]{1000,}|<td[^>]*>[\d.,]+( min)?</td>", "", text)
    if file.suffix in (".md", ".tex"):  # the same
        return re.sub(r"[\d.,]+", "", text)
    return text


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal bit for bit, with NaN equal to NaN and times ignored."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = {key for key in one | other if not str(key).startswith(CLOCKS)}
        return all(key in one and key in other and _same(one[key], other[key]) for key in keys)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and _same(one.numpy(), other.numpy())
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    return bool(one == other or (one != one and other != other))
