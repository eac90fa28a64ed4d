"""The judge in one file: written and read again it reads the same, and a damaged file is one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from untrained import NARROW, untrained

from facet.editing.judges import judge_file, read_judge
from facet.errors import UserError
from facet.exporting.tensors import tensor_files


def test_a_judge_comes_back_as_it_was(tmp_path: Path) -> None:
    subject = untrained(NARROW, tmp_path)
    assert subject.judge
    file = tmp_path / "judge.safetensors"
    file.write_bytes(judge_file(subject.judge, 16, 3, False))
    again = read_judge(file)
    images = torch.rand(3, 3, 16, 16)
    assert again.attribute_names == subject.judge.attribute_names
    torch.testing.assert_close(again(images), subject.judge(images), rtol=0, atol=0)
    with safe_open(file, "pt") as opened:
        said = json.loads(opened.metadata()["facet"])
    assert said == {
        "format": 1,
        "attributes": ["Smiling", "Eyeglasses", "Wearing_Hat"],
        "resolution": 16,
        "channels": 3,
        "width": 4,
        "classes": False,
    }


@pytest.mark.parametrize("content", [b"", b"no tensors", b"\x10\0\0\0\0\0\0\0{}"])
def test_a_damaged_file_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "judge.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"the judge .*judge\.safetensors can't be read") as raised:
        read_judge(tmp_path / "judge.safetensors")
    assert "\n" not in str(raised.value)


def test_a_run_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"weights\.safetensors is missing: .* go on with the run"):
        tensor_files(untrained(NARROW, tmp_path))
