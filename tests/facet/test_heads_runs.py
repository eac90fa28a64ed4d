"""``data=heads`` from the command line: rare smiles, wrong labels, another correlation in test, without colour."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import TINY

SETTINGS = ("data=heads", "data.rates={Smiling:.28}", "data.label_noise=.08", "data.test_correlation=.5")


def facet(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", f"facet.{command}", *arguments], capture_output=True, text=True)


@pytest.mark.whole
def test_heads_are_trained_on_and_judged(tmp_path: Path) -> None:
    settings = (*TINY, *SETTINGS, "trainer.max_epochs=1", "data.grey=true", f"data.root={tmp_path / 'heads'}")
    trained = facet("train", *settings, f"runs={tmp_path / 'runs'}")
    assert trained.returncode == 0, trained.stderr
    (run,) = (tmp_path / "runs" / "ifcvae_gan").iterdir()
    judged = facet("evaluate", f"run={run}")
    assert judged.returncode == 0, judged.stderr
    measures = json.loads((run / "results.json").read_text("utf-8"))["measures"]
    assert set(measures["counterfactual"]) == {"Smiling"}
    again = facet("train", *settings, f"runs={tmp_path / 'runs'}")
    assert again.returncode == 0, again.stderr
    assert [run] == list((tmp_path / "runs" / "ifcvae_gan").iterdir()), "found, not trained again"


def test_wrong_rates_are_one_line(tmp_path: Path) -> None:
    ended = facet("dataset", "info", "data=heads", "data.rates={Bald:.7,Bangs:.6}", f"data.root={tmp_path}")
    assert ended.returncode == 2
    assert "can't hold together, as attributes of one group" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
