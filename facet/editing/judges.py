"""A judge in a file of its own, ``judge.safetensors``: whoever is given a model can also read its edits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from facet.errors import UserError
from facet.files import atomic_write
from facet.judge import Judge

JUDGE = "judge.safetensors"


def write_judge(path: Path, judge: Judge, card: Mapping[str, Any]) -> None:
    """Write a judge as :func:`facet.judge.get_judge` returns it.

    Args:
        path: the file.
        judge: fused, for evaluation only.
        card: its test accuracy and the like.
    """
    first = judge.features[0]
    assert isinstance(first, torch.nn.Conv2d)
    about = {"attributes": list(judge.attribute_names), "resolution": judge.resolution, "card": dict(card)}
    header = {"format": "pt", "facet": json.dumps({**about, "channels": first.in_channels})}
    tensors = {name: value.cpu().contiguous().clone() for name, value in judge.state_dict().items()}
    atomic_write(path, lambda file: file.write(save(tensors, header)))


def read_judge(path: Path) -> Judge:
    """Read a judge's file, in evaluation mode and frozen.

    Raises:
        UserError: the file can't be read, or holds another judge.
    """
    try:
        with safe_open(path, framework="pt") as file:
            known = json.loads((file.metadata() or {})["facet"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it has no iterator
        with torch.random.fork_rng():
            judge = Judge(tuple(known["attributes"]), known["resolution"], known["channels"]).fused()
        judge.load_state_dict(tensors)
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} is no judge that can be read: {' '.join(str(error).split())[:200]}") from error
    return judge.requires_grad_(False)
