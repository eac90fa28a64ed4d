"""Sweeps as users run them: in processes of their own, on a cluster's executor, and as a search."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from tiny import overrides

from facet import train
from facet.configuration import compose_config
from facet.runs import Run, run_directory

SHORT = "trainer.max_epochs=1"


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Jobs in processes of their own begin where we are."""
    monkeypatch.chdir(tmp_path)
    paths = [str(Path(train.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


def swept(monkeypatch: pytest.MonkeyPatch, root: Path, *more: str) -> int:
    """The exit code of ``facet-train``."""
    monkeypatch.setattr(sys, "argv", ["facet-train", *more[:1], *overrides(root, SHORT, *more[1:])])
    with pytest.raises(SystemExit) as stopped:
        train.main()
    return int(stopped.value.code or 0)


def run_of(root: Path, *more: str) -> Run:
    return Run(run_directory(compose_config("train", overrides(root, SHORT, *more))))


def test_two_at_a_time_and_one_that_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    launcher = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    code = swept(monkeypatch, tmp_path, "-m", "attributes=[Smiling],[Smilling]", *launcher)
    assert code == 1, "something failed, but not everything"
    assert run_of(tmp_path).status == "finished"
    assert not list(tmp_path.glob(".sweep-*"))


def test_a_clusters_executor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert swept(monkeypatch, tmp_path, "-m", "hydra/launcher=submitit_local", "seed=3") == 0
    assert run_of(tmp_path, "seed=3").status == "finished"


def test_a_search_finds_the_best_by_what_was_validated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    choice = ["objective=[val/mse]", "hydra.sweeper.direction=minimize", "hydra.sweeper.n_trials=3"]
    assert swept(monkeypatch, tmp_path, "hparams_search=aif", *choice) == 0
    found = OmegaConf.load(tmp_path / "runs" / "optimization_results.yaml")
    runs = [Run(path) for path in (tmp_path / "runs").glob("aif/table1/ours/*")]
    last = {run: run.metrics()["val/mse"][-1][1] for run in runs}
    assert len(last) == 3
    assert found.best_value == min(last.values())
    best = OmegaConf.load(min(last, key=lambda run: last[run]).path / "config.yaml")
    assert {name: OmegaConf.select(best, name) for name in found.best_params} == dict(found.best_params)
