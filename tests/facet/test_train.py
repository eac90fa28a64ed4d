"""Training: runs finish, are skipped when finished, resume bit for bit, and fail without taking others along."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig
from tiny import assert_same, overrides, tiny, weights

from aif.baselines.icgan import IcGAN
from aif.ifcvae_gan import IFcVAEGAN
from facet.configuration import compose_config
from facet.errors import UserError
from facet.evaluate import evaluate
from facet.files import read_json
from facet.runs import Run
from facet.train import train


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module's runs are."""
    return tmp_path_factory.mktemp("train")


@pytest.fixture(scope="module")
def finished(root: Path) -> Run:
    """A run that was never interrupted."""
    return Run(train(tiny(root, "trainer.log_every_n_steps=2")))


def evaluations(run: Run) -> list[dict[str, str]]:
    with (run.path / "metrics.csv").open(newline="") as lines:
        return [row for row in csv.DictReader(lines) if row.get("val/mse")]


def test_a_run_leaves_what_it_should(finished: Run) -> None:
    assert finished.status == "finished"
    status = read_json(finished.path / "status.json")
    assert status["training"]["steps"] == 3 * 6
    assert status["training"]["images_seen"] == 3 * 96
    assert set(status["training"]["parameters"]) == {"encoder", "decoder", "discriminator", "auxiliary"}
    assert len(list((finished.path / "grids").glob("*.png"))) == 3
    rows = evaluations(finished)
    assert len(rows) == 3
    for key in ("val/edit_on", "val/edit_off", "val/reconstruction_on", "val/auxiliary_confusion", "val/accuracy"):
        assert all(row[key] for row in rows), key


def test_a_finished_run_is_skipped(finished: Run, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = finished.checkpoint.stat().st_mtime_ns
    assert train(tiny(root, "trainer.log_every_n_steps=2")) == finished.path
    assert finished.checkpoint.stat().st_mtime_ns == before
    assert "finished already" in capsys.readouterr().err


def interrupted(config: DictConfig, module: type[Any], stop_at: int, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """Train, fail at a step, and train again."""
    step, calls = module.training_step, 0

    def failing(self: Any, *arguments: Any) -> None:
        nonlocal calls
        calls += bool(self.trainer.loggers)  # the rehearsal has none
        if calls == stop_at and self.trainer.loggers:
            raise RuntimeError("the machine went down")
        step(self, *arguments)

    monkeypatch.setattr(module, "training_step", failing)
    with pytest.raises(RuntimeError, match="went down"):
        train(config)
    assert run.status == "failed"
    assert "went down" in read_json(run.path / "status.json")["error"]
    monkeypatch.setattr(module, "training_step", step)
    train(config)
    assert run.status == "finished"


@pytest.mark.parametrize(("where", "stop_at"), [("first", 2), ("second", 10)])
def test_an_interrupted_run_resumes_bit_for_bit(
    where: str, stop_at: int, finished: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(root / "interrupted" / where)
    config = tiny(root, f"run_dir={run.path}", "trainer.log_every_n_steps=2")
    interrupted(config, IFcVAEGAN, stop_at, monkeypatch, run)
    assert_same(finished, run)


def test_a_run_in_stages_resumes_bit_for_bit_across_them(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two epochs of the GAN, then the encoders; the run stops in the second and goes on into the third."""
    more = [
        "model=icgan",
        "model.gan_share=0.6",
        "model.penalty_every=4",
        "trainer.log_every_n_steps=2",
    ]
    whole = Run(train(tiny(root, *more)))
    run = Run(root / "interrupted" / "stages")
    interrupted(tiny(root, *more, f"run_dir={run.path}"), IcGAN, 9, monkeypatch, run)
    assert_same(whole, run)


def test_ctrl_c_leaves_word(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = IFcVAEGAN.training_step

    def stopped(self: IFcVAEGAN, *arguments: Any) -> None:
        if self.trainer.loggers:  # the rehearsal has none
            raise KeyboardInterrupt
        step(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(IFcVAEGAN, "training_step", stopped)
    run = Run(root / "stopped")
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        train(tiny(root, f"run_dir={run.path}"))
    assert run.status == "interrupted"
    assert "run the same command to continue" in read_json(run.path / "status.json")["error"]
    monkeypatch.undo()
    train(tiny(root, f"run_dir={run.path}"))
    assert run.status == "finished"


def test_a_run_that_is_not_finished_is_judged_with_a_word(
    finished: Run, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(Path(shutil.copytree(finished.path, root / "halfway")))
    run.mark("interrupted")
    evaluate(compose_config("evaluate", [f"run={run.path}", "faces=2", "measures=[drift]"]))
    assert "halfway is interrupted: its last checkpoint is judged" in capsys.readouterr().err
    assert (run.path / "results.json").is_file()


def test_a_second_process_leaves_a_run_alone(root: Path) -> None:
    run = Run(root / "busy")
    config = tiny(root, f"run_dir={run.path}", "trainer.max_epochs=1")
    with run.owned():
        (run.path / "metrics.csv").write_text("step,epoch\n")
        with pytest.raises(UserError, match="another process is training"):
            train(config)
    assert sorted(file.name for file in run.path.iterdir()) == [".lock", "metrics.csv"]


@pytest.mark.parametrize("more", [(), ("force=true",)])
def test_a_folder_of_somebodys_is_left_alone(more: tuple[str, ...], tmp_path: Path) -> None:
    mine = tmp_path / "thesis"
    for name in ("grids/drawing.png", "metrics.csv"):
        (mine / name).parent.mkdir(parents=True, exist_ok=True)
        (mine / name).write_text("mine")
    with pytest.raises(UserError, match="thesis has files but no run: choose a new or empty run_dir"):
        train(tiny(tmp_path, f"run_dir={mine}", *more))
    assert sorted(file.name for file in mine.rglob("*")) == ["drawing.png", "grids", "metrics.csv"]
    (tmp_path / "empty/wandb").mkdir(parents=True)  # W&B writes on where a run was removed
    run = Run(train(tiny(tmp_path, f"run_dir={tmp_path / 'empty'}", "trainer.max_epochs=1", *more)))
    assert run.status == "finished"


@pytest.mark.reliability
def test_force_trains_again_and_a_torn_checkpoint_its_last_epoch(
    finished: Run, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(root / "again")
    shutil.copytree(finished.path, run.path)
    (run.path / "results.json").write_text("{}")
    train(tiny(root, f"run_dir={run.path}", "force=true"))
    assert not (run.path / "results.json").exists(), "of the training before"
    assert all(torch.equal(value, weights(run)[name]) for name, value in weights(finished).items())
    run.mark("running")
    run.checkpoint.write_bytes(run.checkpoint.read_bytes()[:2000])
    train(tiny(root, f"run_dir={run.path}"))
    assert "resuming from last-before.ckpt" in " ".join(capsys.readouterr().err.split())
    assert all(torch.equal(value, weights(run)[name]) for name, value in weights(finished).items())


def test_a_directory_of_another_config_is_refused(finished: Run, root: Path) -> None:
    before = (finished.path / "status.json").read_bytes()
    with pytest.raises(UserError, match="belongs to a run with another config"):
        train(tiny(root, f"run_dir={finished.path}", "model.weights.kl=0.5"))
    assert (finished.path / "status.json").read_bytes() == before


def test_another_seed_gives_another_run(finished: Run, root: Path) -> None:
    other = Run(train(tiny(root, "seed=1", "trainer.max_epochs=1")))
    assert other.path != finished.path
    name = "decoder.project.0.weight"
    assert not torch.equal(weights(other)[name], weights(finished)[name])


def test_a_stage_wise_run(root: Path) -> None:
    run = Run(train(tiny(root, "model=icgan", "model.gan_share=0.5", "trainer.max_epochs=2")))
    assert run.status == "finished"
    with (run.path / "metrics.csv").open(newline="") as lines:
        header = next(csv.reader(lines))
    assert {"val/mse", "val/edit_on"} <= set(header)


def facet(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", f"facet.{command}", *arguments], capture_output=True, text=True)


def test_a_batch_that_can_not_be_shared_out_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data.batch_size=16 can't be shared out evenly among 3 processes"):
        train(tiny(tmp_path, *TWO[:2], "trainer.devices=3", f"data.root={tmp_path / 'data'}"))
    assert not list(tmp_path.iterdir())


TWO = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2")
"""Gloo ranks on the CPU."""


@pytest.mark.reliability
def test_a_sweep_trains_a_run_by_two_processes(root: Path) -> None:
    """By a command of its own, which is the one that people type for a single run."""
    found = facet("train", "-m", *overrides(root, *TWO, "model=icgan", "seed=6"))
    assert found.returncode == 0, found.stderr
    (path,) = (root / "runs/icgan").glob("seed6-*")
    assert_trained_by_two(Run(path))


def assert_trained_by_two(run: Run) -> None:
    training = read_json(run.path / "status.json")["training"]
    assert training["processes"] == 2
    assert training["steps"] == 3 * 6, "as many as one process takes"
    assert training["images_seen"] == 3 * 96
    assert all(torch.isfinite(value).all() for value in weights(run).values())
    assert len(evaluations(run)) == 3
