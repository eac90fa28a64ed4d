"""The weights of a model and of its judge as safetensors: numbers and text, no code."""

from __future__ import annotations

from facet import weights
from facet.editing.judges import JUDGE, judge_file
from facet.errors import UserError
from facet.exporting.subject import Subject


def tensor_files(subject: Subject) -> dict[str, bytes]:
    """``weights.safetensors`` of the run, and the judge's.

    Raises:
        UserError: the run has no weights: its training has not ended.
    """
    path = subject.run.checkpoint.with_name(weights.NAME)
    if not path.is_file():
        raise UserError(f"{path} is missing: a training writes it at its end; go on with the run by facet-train")
    files = {weights.NAME: path.read_bytes()}
    if subject.judge:
        files[JUDGE] = judge_file(subject.judge, subject.resolution, subject.channels, subject.judge.classes)
    return files
