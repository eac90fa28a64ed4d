"""Sweeps as users run them: in processes of their own, on a cluster's executor, and as a search."""

from __future__ import annotations

import glob
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from filelock import FileLock
from omegaconf import OmegaConf
from tiny import assert_same, overrides

from facet import sweeps, train
from facet.benchmarks.memory import tree
from facet.configuration import compose_config
from facet.identity import run_directory
from facet.runs import Run

SHORT = "trainer.max_epochs=1"


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Jobs in processes of their own begin where we are."""
    monkeypatch.chdir(tmp_path)
    paths = [str(Path(train.__file__).parents[1]), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


def swept(monkeypatch: pytest.MonkeyPatch, root: Path, *more: str) -> int:
    """The exit code of ``facet-train``."""
    monkeypatch.setattr(sys, "argv", ["facet-train", *more[:1], *overrides(root, SHORT, *more[1:])])
    with pytest.raises(SystemExit) as stopped:
        train.main()
    return int(stopped.value.code or 0)


def run_of(root: Path, *more: str) -> Run:
    return Run(run_directory(compose_config("train", overrides(root, SHORT, *more))))


@pytest.mark.reliability
def test_two_at_a_time_with_a_gpu_each_and_some_that_fail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There are no GPUs, but who asks for their names doesn't know."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "20,21,22,23")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    launcher = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "trainer.accelerator=auto"]
    seen_by = ["+callbacks.seen._target_=seen_gpu.SeenGPU", "allow=[seen_gpu]"]
    sweep = ["attributes=[Smiling],[Smilling]", "seed=0,1", *seen_by]
    assert swept(monkeypatch, tmp_path, "-m", *sweep, *launcher) == 1, "something failed, but not everything"
    seen = [file.read_text().split() for file in (tmp_path / "runs").rglob("gpu")]
    assert len(seen) == 2
    assert all(Run(file.parent).status == "finished" for file in (tmp_path / "runs").rglob("gpu"))
    assert {gpu for _, gpu in seen} <= {"20", "21", "22", "23"}
    assert len({gpu for _, gpu in seen}) == len({process for process, _ in seen}), "a process has its own"
    assert not list(tmp_path.glob(".sweep-*"))


def test_it_goes_on_past_a_failed_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first run's networks don't fit together."""
    assert swept(monkeypatch, tmp_path, "-m", "seed=5", "model.auxiliary.latent_dim=5,6") == 1
    said = capsys.readouterr().err
    assert "1 of the sweep's runs failed" in said
    assert "model.auxiliary.latent_dim=5" in said
    assert [Run(path).status for path in (tmp_path / "runs/ifcvae_gan").glob("seed5-*")] == ["finished"]


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str | None]:
    """The GPUs that a process may see once it has taken its own for a job of a sweep."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(sweeps, "swept", lambda: True)

    def take(number: int, held: list[FileLock], visible: str | None = None, **trainer: object) -> str | None:
        with monkeypatch.context() as patched:
            patched.setenv("CUDA_VISIBLE_DEVICES", visible or "")
            if visible is None:
                patched.delenv("CUDA_VISIBLE_DEVICES")
            config = SimpleNamespace(job=SimpleNamespace(num=number))
            patched.setattr(sweeps.HydraConfig, "get", staticmethod(lambda: config))
            patched.setattr(sweeps, "_taken", held)
            sweeps.take_gpu(OmegaConf.create({"trainer": {"accelerator": "gpu", "devices": 1, **trainer}}))
            return os.environ.get("CUDA_VISIBLE_DEVICES")

    return take


def test_gpus_are_taken_by_the_number_of_the_job(job: Callable[..., str | None]) -> None:
    processes: list[list[FileLock]] = [[] for _ in range(5)]
    assert [job(i, held) for i, held in enumerate(processes[:3])] == ["0", "1", "2"]
    assert job(4, processes[3]) == "3", "the first is taken"
    assert job(6, processes[4]) == "2", "all are taken: shared"
    assert not processes[4]
    processes[1][0].release()
    assert job(7, processes[4]) == "1", "its process has ended"


def test_a_process_keeps_its_gpu(job: Callable[..., str | None]) -> None:
    held: list[FileLock] = []
    assert job(1, held) == "1"
    assert job(2, held, visible="1") == "1"
    assert len(held) == 1


@pytest.mark.parametrize(
    ("visible", "trainer", "seen"),
    [
        ("2,5", {}, "5"),
        ("GPU-8f,MIG-3c", {}, "MIG-3c"),
        ("3", {}, "3"),
        ("", {}, ""),
        (None, {"accelerator": "auto"}, "1"),
        (None, {"accelerator": "cpu"}, None),
        (None, {"devices": 2}, None),
        (None, {"devices": "auto"}, None),
    ],
)
def test_what_the_process_may_see_is_chosen_from(
    visible: str | None, trainer: dict[str, object], seen: str | None, job: Callable[..., str | None]
) -> None:
    assert job(1, [], visible, **trainer) == seen


def test_a_search_over_several_devices_starts_single_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``hparams_search`` makes any command a sweep: its runs have to say that they are none."""
    started = []

    class Command:
        def __init__(self, arguments: list[str], env: dict[str, str]) -> None:
            started.append(arguments)
            assert env["PYTHONSAFEPATH"] == "1", "nothing is imported from where it happens to run"

        def wait(self) -> int:
            return 2

    monkeypatch.setattr("subprocess.Popen", Command)
    search = ["hparams_search=aif", "trainer=ddp", "hydra.sweeper.n_trials=1"]
    assert swept(monkeypatch, tmp_path, *search) == 2
    (arguments,) = started
    assert arguments[1:3] == ["-m", "facet.train"]
    assert {"trainer=ddp", "hparams_search=aif", "hydra.mode=RUN"} <= set(arguments)
    assert any(argument.startswith("model.weights.kl=") for argument in arguments)


@pytest.mark.reliability
def test_a_clusters_executor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert swept(monkeypatch, tmp_path, "-m", "hydra/launcher=submitit_local", "seed=3") == 0
    assert run_of(tmp_path, "seed=3").status == "finished"


def test_a_search_finds_the_best_by_what_was_validated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    choice = ["objective=[val/mse]", "hydra.sweeper.direction=minimize", "hydra.sweeper.n_trials=3"]
    assert swept(monkeypatch, tmp_path, "hparams_search=aif", *choice) == 0
    found = OmegaConf.load(tmp_path / "runs" / "optimization_results.yaml")
    runs = [Run(path) for path in (tmp_path / "runs").glob("ifcvae_gan/*")]
    last = {run: run.metrics()["val/mse"][-1][1] for run in runs}
    assert len(last) == 3
    assert found.best_value == min(last.values())
    best = OmegaConf.load(min(last, key=lambda run: last[run]).path / "config.yaml")
    assert {name: OmegaConf.select(best, name) for name in found.best_params} == dict(found.best_params)


def checkpoints(runs: Path) -> list[Path]:
    """All that there are by now; directories come and go meanwhile, which ``rglob`` doesn't bear."""
    return [Path(file) for file in glob.glob(f"{runs}/**/last.ckpt", recursive=True)]


@pytest.mark.reliability
def test_a_job_that_a_cluster_takes_back_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Submitit's executor asks a job by SIGUSR2, starts it again when it has ended, and the sweep waits for it."""
    more = ["seed=4", "trainer.max_epochs=12", "trainer.log_every_n_steps=1"]
    where = ["hydra/launcher=submitit_local", f"runs={tmp_path / 'cut'}"]
    with (tmp_path / "said").open("w") as said:
        arguments = ["-m", *overrides(tmp_path, *more), *where]
        sweep = subprocess.Popen([sys.executable, "-m", "facet.train", *arguments], stdout=said, stderr=said)
    while not (saved := checkpoints(tmp_path / "cut")) and sweep.poll() is None:
        time.sleep(0.05)
    (job,) = [pid for pid in tree(sweep.pid) if b"_submit\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(job, signal.SIGUSR2)
    assert sweep.wait(300) == 0
    assert any("Requeued job" in log.read_text() for log in (tmp_path / "cut/.submitit").rglob("*_log.*"))
    run, config = Run(saved[0].parents[1]), compose_config("train", [*overrides(tmp_path, *more), "run_dir=whole"])
    assert_same(Run(train.train(config)), run)


@pytest.mark.reliability
@pytest.mark.parametrize(("signum", "to_all", "code"), [(signal.SIGTERM, False, 143), (signal.SIGINT, True, 130)])
def test_a_sweep_of_two_at_a_time_is_saved_before_it_ends(signum: int, to_all: bool, code: int, tmp_path: Path) -> None:
    """A scheduler asks the command alone, a terminal all of its processes; none is left."""
    more = ["seed=0,1,2", "trainer.max_epochs=500", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    command = [sys.executable, "-m", "facet.train", "-m", *overrides(tmp_path, *more)]
    with (tmp_path / "said").open("w") as said:
        sweep = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)
    while len(checkpoints(tmp_path / "runs")) < 2 and sweep.poll() is None:
        time.sleep(0.05)
    started = tree(sweep.pid)
    (os.killpg if to_all else os.kill)(sweep.pid, signum)
    assert sweep.wait(120) == code
    until = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in started) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]
    runs = [Run(file.parent) for file in (tmp_path / "runs").rglob("status.json")]
    assert [run.status for run in runs] == ["interrupted", "interrupted"]
    assert not list(tmp_path.glob(".sweep-*"))
