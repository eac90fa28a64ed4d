"""Kills of every method lose nothing, and what would be lost is seen (``python -m tests.kills`` is the long form)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from kept import differences

ROOT = Path(__file__).parents[1]


@pytest.mark.reliability
@pytest.mark.parametrize(
    "said",
    [
        ("methods=all", "commands=train", "n=30"),
        ("methods=ours,chain,student", "n=15"),
    ],
    ids=lambda said: said[0],
)
def test_nothing_is_lost_by_kills(said: tuple[str, ...], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.kills", *said]
    found = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "nothing was lost" in found.stdout
    assert not list(tmp_path.glob("facet-*"))


def write(root: Path, loss: str = "0.5", epoch: int = 1, weight: float = 1.0) -> Path:
    root.mkdir()
    torch.save({"epoch": epoch, "w": torch.tensor([weight, torch.nan])}, root / "last.ckpt")
    (root / "metrics.csv").write_text(f"step,train/kl\n1,{loss}\n")
    (root / "config.yaml").write_text(f"runs: {root}\nsave_minutes: {epoch}\n")
    (root / "results.json").write_text(json.dumps({"mse": weight, "seconds": id(root)}))
    np.savez(root / "examples.npz", original=np.full(3, weight))
    return root


def test_times_places_and_what_changes_nothing_do_not_count(tmp_path: Path) -> None:
    one, other = write(tmp_path / "one"), write(tmp_path / "other")
    (other / "config.yaml").write_text(f"runs: {other}\nsave_minutes: 0\n")
    assert not list(differences(one, other))


def test_all_else_does(tmp_path: Path) -> None:
    expected = write(tmp_path / "expected")
    assert list(differences(expected, write(tmp_path / "a", loss="0.51"))) == ["metrics.csv is other"]
    assert list(differences(expected, write(tmp_path / "b", epoch=2))) == ["last.ckpt is other"]
    found = write(tmp_path / "c", weight=float(np.nextafter(np.float32(1), np.float32(2))))
    assert list(differences(expected, found)) == [
        "examples.npz is other",
        "last.ckpt is other",
        "results.json is other",
    ]
    (found / ".last.ckpt.new").touch()
    (found / "results.json").unlink()
    assert {".last.ckpt.new is left over", "results.json is missing"} <= set(differences(expected, found))
