"""The weights of a model and of its judge as safetensors, numbers and text, no code; and examples of drawn data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from facet import weights
from facet.editing.examples import SHEET, of_run, sheet, spread
from facet.editing.judges import JUDGE, judge_file
from facet.errors import UserError
from facet.exporting.subject import Subject

FREE = ("avatars", "heads", "mnist")
"""Data of which everybody may have examples. Photographs, and people's own data, aren't handed on unasked."""


def tensor_files(subject: Subject) -> dict[str, bytes]:
    """``weights.safetensors`` of the run, the judge's file, and examples of the test split.

    Raises:
        UserError: the run has no weights: its training has not ended.
    """
    files = {weights.NAME: _weights(subject).read_bytes()}
    if subject.judge:
        files[JUDGE] = judge_file(subject.judge, subject.resolution, subject.channels, subject.judge.classes)
    return {**files, **_examples(subject)}


def package_files(subject: Subject) -> dict[str, bytes]:
    """As :func:`tensor_files`, small: what editing needs, in half precision.

    The judge and the examples go to a folder beside the model's own, which models of the same data share.

    Raises:
        UserError: the run has no weights.
    """
    files = {weights.NAME: weights.slim(_weights(subject), getattr(subject.model, "training_parts", ()))}
    shared = _examples(subject)
    if subject.judge:
        shared[JUDGE] = judge_file(
            subject.judge, subject.resolution, subject.channels, subject.judge.classes, half=True
        )
    return {**files, **{f"../{subject.data}/{name}": content for name, content in shared.items()}}


def alike(one: bytes, other: bytes) -> bool:
    """Whether files of safetensors, or of anything else, hold the same. The head of safetensors has no fixed order."""
    return one == other or _parts(one) == _parts(other)


def _parts(content: bytes) -> tuple[Any, bytes]:
    """The head of a file of safetensors, and its numbers; of another file, nothing and all of it."""
    end = 8 + int.from_bytes(content[:8], "little")
    try:
        return json.loads(content[8:end]), content[end:]
    except ValueError:
        return None, content


def _weights(subject: Subject) -> Path:
    path = subject.run.checkpoint.with_name(weights.NAME)
    if not path.is_file():
        raise UserError(f"{path} is missing: a training writes it at its end; go on with the run by facet-train")
    return path


def _examples(subject: Subject) -> dict[str, bytes]:
    if subject.data not in FREE:
        return {}
    images = of_run(subject.run, subject.config)
    return {} if images is None else {SHEET: sheet(spread(images))}
