"""A judge in a file of its own, ``judge.safetensors``: whoever is given a model can also read its edits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import load_file, save

from facet.errors import UserError
from facet.files import atomic_write
from facet.judge import Judge
from facet.runs import Run
from facet.weights import halve

JUDGE = "judge.safetensors"
FORMAT = 1


def judge_file(judge: Judge, resolution: int, channels: int, classes: bool, half: bool = False) -> bytes:
    """A judge as the content of a file, in half precision if ``half``.

    The header holds, under ``facet`` as JSON, ``format``, ``attributes`` in the outputs' order, ``resolution``,
    ``channels``, ``width`` of the first convolution, and whether the outputs are ``classes``.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in judge.state_dict().items()}
    description = {
        "format": FORMAT,
        "attributes": list(judge.attribute_names),
        "resolution": resolution,
        "channels": channels,
        "width": state["features.0.weight"].shape[0],
        "classes": classes,
    }
    if half:
        state = {name: halve(value) for name, value in state.items()}
    return save(state, {"format": "pt", "facet": json.dumps(description)})


def read_judge(path: Path) -> Judge:
    """The judge of a file that :func:`judge_file` made: in evaluation mode, frozen, on the CPU.

    Raises:
        UserError: the file can't be read, or holds no judge of this version.
    """
    try:
        with safe_open(path, "pt") as file:
            described = json.loads((file.metadata() or {}).get("facet", "{}"))
        if described.get("format") != FORMAT:
            raise ValueError(f"its format is {described.get('format')!r}, and this version reads {FORMAT}")
        names = tuple(map(str, described["attributes"]))
        shape = (described["resolution"], described["channels"], described["width"], bool(described["classes"]))
        judge = Judge(names, *shape).eval().fused()
        judge.load_state_dict(load_file(path))
    except Exception as error:  # reading a damaged file may raise anything
        raise UserError(f"the judge {path} can't be read: {' '.join(str(error).split())[:200]}") from error
    return judge.requires_grad_(False)


def keep_judge(run: Run, judge: Judge, data: Any) -> None:
    """Write a run's judge beside its weights, so that edits can be read when its data are gone.

    Args:
        run: the run, which has ended.
        judge: of its data.
        data: its data module.
    """
    content = judge_file(judge, data.resolution, data.channels, judge.classes)
    atomic_write(run.checkpoint.with_name(JUDGE), lambda file: file.write(content))
