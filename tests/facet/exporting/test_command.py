"""facet-export from the command line: what it writes, and one line with exit code 2 where it can't."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_once import avatars
from privileges import read_only
from safetensors.torch import load_file
from tiny import tiny, weights
from untrained import DIGITS, untrained

import facet
from facet import export
from facet.demonstration.columns import columns_of
from facet.editing.judges import read_judge
from facet.errors import UserError
from facet.exporting import onnx_files
from facet.exporting.page import refuse_unnamed
from facet.runs import Run
from facet.train import train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(train(tiny(tmp_path_factory.mktemp("exported"), "trainer.max_epochs=1")))


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """Call the command in this process: its exit code and what it said on standard error."""
    monkeypatch.chdir(tmp_path)

    def called(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["facet-export", *arguments])
        with pytest.raises(SystemExit) as ended:
            export.main()
        return int(ended.value.code or 0), capfd.readouterr().err

    return called


def test_a_run_is_written_with_its_judge_and_card(run: Run, call: Any, tmp_path: Path) -> None:
    code, said = call(f"run={run.path}", "out=a folder")
    assert code == 0
    out = tmp_path / "a folder"
    assert {path.name for path in out.iterdir()} == {
        *("weights.safetensors", "judge.safetensors", "examples.png", "README.md")
    }
    for path in out.iterdir():
        assert path.name in said
    expected = {name: value for name, value in weights(run).items() if isinstance(value, torch.Tensor)}
    assert load_file(out / "weights.safetensors").keys() == expected.keys()
    assert "Smiling" in read_judge(out / "judge.safetensors").attribute_names
    text = (out / "README.md").read_text("utf-8")
    assert "facet-train" in text
    assert str(avatars()) not in text, "nobody's directories"


def test_packages_share_a_judge_and_examples(run: Run, call: Any, tmp_path: Path) -> None:
    for name in ("one", "two"):
        code, said = call(f"run={run.path}", "to=package", f"out=models/{name}")
        assert code == 0, said
    found = {str(path.relative_to(tmp_path / "models")) for path in (tmp_path / "models").rglob("*") if path.is_file()}
    assert found == {
        *("one/weights.safetensors", "one/README.md", "two/weights.safetensors", "two/README.md"),
        *("avatars/judge.safetensors", "avatars/examples.png"),
    }
    whole, small = facet.load(run.path), facet.load(tmp_path / "models" / "one")
    (column,) = columns_of([str(tmp_path / "models" / "one")])
    face = column.examples[0]
    assert np.abs(np.int16(small.edit(face, Smiling=1)) - np.int16(whole.edit(face, Smiling=1))).max() <= 1
    assert small.read(face) == pytest.approx(whole.read(face), abs=0.01)
    assert "../avatars/judge.safetensors" in (tmp_path / "models" / "one" / "README.md").read_text("utf-8")
    (tmp_path / "models" / "avatars" / "judge.safetensors").write_bytes(b"another one")
    code, said = call(f"run={run.path}", "to=package", "out=models/three")
    assert (code, said.count("\n")) == (2, 1)
    assert "judge.safetensors is of other data, and models here share it" in said
    assert not (tmp_path / "models" / "three" / "weights.safetensors").exists()


def test_mistakes_are_one_line(run: Run, call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "no_checkpoint").mkdir()
    (tmp_path / "no_checkpoint" / "config.yaml").write_bytes((run.path / "config.yaml").read_bytes())
    (tmp_path / "file").touch()
    shutil.copytree(run.path, tmp_path / "short")
    config = (run.path / "config.yaml").read_text().replace("debug: null", "debug: limit")
    (tmp_path / "short" / "config.yaml").write_text(config)
    monkeypatch.setattr(onnx_files, "PACKAGES", ("json", "no_such_package"))
    for arguments, told in (
        ([], "choose what to export: run=DIRECTORY"),
        (["run=empty"], "empty is not a run directory"),
        (["run=short"], "short is a debug run (debug=limit), no model: train it without debug="),
        (["run=no_checkpoint"], "no_checkpoint has no checkpoint"),
        ([f"run={run.path}", "to=oonx"], "should be 'safetensors', 'package', 'onnx', 'page' or 'hub'"),
        ([f"run={run.path}", "to=onnx"], "to=onnx needs no_such_package: pip install 'facet-lab[export]'"),
        ([f"run={run.path}", "out=file"], "out=file can't be written"),
    ):
        code, said = call(*arguments)
        assert (code, said.count("\n")) == (2, 1), said
        assert told in said
    assert not (tmp_path / "exported").exists()


def test_a_directory_that_cannot_be_written_is_said_before_any_work(run: Run, call: Any, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    with read_only(tmp_path / "closed"):
        code, said = call(f"run={run.path}", "out=closed/inside")
    assert code == 2
    assert "out=closed/inside can't be written (Permission denied): choose another directory" in said


def test_a_page_needs_attributes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="to=page needs named attributes to slide, and JacSup autoencoder of digits"):
        refuse_unnamed(untrained(DIGITS, tmp_path, judged=False))
