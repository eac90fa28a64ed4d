"""Files that are whole or absent, and logs that outlive an interruption."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from facet.callbacks.random_state import RandomState
from facet.configuration import compose_config
from facet.errors import UserError
from facet.files import atomic_write, read_json, write_json
from facet.identity import run_directory
from facet.loggers import make_loggers
from facet.runs import Run


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "file.json"
    write_json(file, {"a": 1})

    def failing(handle: object) -> None:
        handle.write(b"{half")  # type: ignore[attr-defined]
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        atomic_write(file, failing)
    assert read_json(file) == {"a": 1}
    assert [path.name for path in file.parent.iterdir()] == ["file.json"]


def test_status(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert run.status == "absent"
    run.mark("failed", error="why")
    assert run.status == "failed"
    (tmp_path / "status.json").write_text("{torn")
    assert run.status == "absent"


def test_a_run_directory_belongs_to_one_process(tmp_path: Path) -> None:
    run = Run(tmp_path / "runs" / "mine")
    with run.owned():
        with pytest.raises(UserError, match="another process is training"), run.owned():
            pass
        assert run.path.is_dir()
    assert not (tmp_path / "runs").exists(), "nothing came of it"
    with run.owned():
        run.mark("finished")
    assert run.status == "finished"


def test_a_run_directory_that_somebody_removes_hides_no_other_error(tmp_path: Path) -> None:
    run = Run(tmp_path / "made" / "run")

    def interrupted() -> None:
        with run.owned():
            shutil.rmtree(run.path)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not run.path.exists()


def test_runs_that_begin_at_once_do_not_unmake_each_others_directories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, unmade = Path.mkdir, []

    def mkdir(path: Path, *how: Any, **more: Any) -> None:
        if not unmade:  # between the making of the parents and of the directory itself
            unmade.append(path)
            raise FileNotFoundError(path)
        made(path, *how, **more)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    run = Run(tmp_path / "runs" / "mine")
    run.claim()
    assert unmade == [run.path]
    assert not (tmp_path / "runs").exists()


def test_what_only_shows_or_places_a_run_does_not_make_another() -> None:
    def directory(*overrides: str) -> Path:
        return run_directory(compose_config("train", list(overrides)))

    shown = ["callbacks.progress=null", "trainer.log_every_n_steps=7", "data.workers=1", "data.root=elsewhere"]
    assert directory(*shown, "logger=csv", "force=true") == directory()
    assert directory("model.weights.kl=0.5") != directory()


def test_wandb_is_offline_and_asks_nothing(tmp_path: Path) -> None:
    loggers = make_loggers(tmp_path / "run", "aif/table1/ours", ["ablation=none", "preset=embedded"], {"seed": 0})
    assert [type(logger).__name__ for logger in loggers] == ["CurvesLogger", "WandbLogger"]
    run = loggers[1].experiment
    try:
        assert run.settings._offline
        assert run.group == "aif/table1/ours"
        assert set(run.tags) == {"ablation=none", "preset=embedded"}
        assert run.config["seed"] == 0
    finally:
        run.finish()
    assert list((tmp_path / "run" / "wandb").glob("offline-run-*"))
    assert len(make_loggers(tmp_path / "other", "name", [], {}, mode="disabled")) == 1


def test_random_state_round_trip(tmp_path: Path) -> None:
    """Through a file and torch's safe loading, as checkpoints go."""
    saved = RandomState().state_dict()
    expected = (random.random(), np.random.rand(), torch.rand(1).item(), torch.randn(1).item())
    torch.save(saved, tmp_path / "state.pt")
    callback = RandomState()
    callback.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    callback.on_train_start(SimpleNamespace(global_rank=0), None)  # type: ignore[arg-type]
    assert (random.random(), np.random.rand(), torch.rand(1).item(), torch.randn(1).item()) == expected


def test_a_run_is_resumed_where_other_gpus_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of a sweep sees one GPU alone, and the same command by itself all of them."""
    seen: list[torch.Tensor] = [torch.get_rng_state() for _ in range(8)]

    def restored(states: list[torch.Tensor]) -> None:
        for number, state in enumerate(states):
            seen[number] = state

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: list(seen))
    monkeypatch.setattr(torch.cuda, "set_rng_state_all", restored)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda: seen[0])
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state: restored([state]))
    saved = RandomState().state_dict()
    expected = seen[0]
    seen[:] = [torch.zeros_like(expected)]
    callback = RandomState()
    callback.load_state_dict(saved)
    callback.on_train_start(SimpleNamespace(global_rank=0), None)  # type: ignore[arg-type]
    assert torch.equal(seen[0], expected)
