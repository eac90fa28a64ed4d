"""A run goes on from any of its checkpoints, stops when it is asked to, and ends where its losses are no numbers."""

from __future__ import annotations

import errno
import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from made_once import avatars
from pytorch_lightning import Callback
from tiny import STAGED, TINY, assert_same, tiny

from facet import build, checkpoints
from facet.callbacks import saving
from facet.configuration import compose_config
from facet.errors import UserError
from facet.files import read_json
from facet.refusals import user_message
from facet.runs import Run
from facet.signals import Stopped, handled
from facet.train import train


class After(Callback):
    """Something happens after a batch of the whole run, counted from 0, when all other callbacks have had it."""

    def __init__(self, batch: int, what: Any) -> None:
        self.batch, self.what = batch, what

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if trainer.fit_loop.epoch_loop.total_batch_idx == self.batch + 1:
            self.what()


METHODS: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {  # settings, and the batches after which it is killed
    "model=ifcvae_gan": ((*TINY, "ablation=strong_auxiliary"), (7, 10)),  # which remembers codes
    "ablation=erasure": (TINY, (7, 10)),
    "model=icgan": ((*TINY, "model.gan_share=0.5", "model.penalty_every=4"), (7, 10)),
    "model=jacsup_faces": (STAGED, (7, 14)),  # in the teacher's cycle losses, and in a student
}


class KilledError(Exception):
    """As if the process had ended."""


def killed() -> None:
    raise KilledError


def trained(config: Any, monkeypatch: pytest.MonkeyPatch, *more: Callback) -> Path:
    """Train with further callbacks, the first of all."""
    made = build.Parts.trainer

    def trainer(self: build.Parts, batches: int) -> Any:
        self.callbacks = [*more, *self.callbacks]
        return made(self, batches)

    with monkeypatch.context() as patched:
        patched.setattr(build.Parts, "trainer", trainer)
        return train(config)


@pytest.mark.reliability
@pytest.mark.parametrize("method", METHODS)
def test_a_run_goes_on_within_an_epoch_bit_for_bit(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed again and again, with checkpoints after every batch; then with damage to the last one."""
    more, stops = METHODS[method]
    settings = [*method.split(), *more, f"data.root={avatars()}", "trainer.log_every_n_steps=1"]
    whole = Run(train(compose_config("train", [*settings, f"run_dir={tmp_path / 'whole'}"])))
    run = Run(tmp_path / "cut")
    config = compose_config("train", [*settings, f"run_dir={run.path}", "save_minutes=0"])
    for stop in stops:
        with pytest.raises(KilledError):
            trained(config, monkeypatch, After(stop, killed))
        assert checkpoints.batches_of(run.saved()) == stop, "the last batch that was logged"
    run.checkpoint.write_bytes(run.checkpoint.read_bytes()[:-100])
    train(config)
    assert run.status == "finished"
    assert_same(whole, run)
    seen = [read_json(one.path / "status.json")["training"]["images_seen"] for one in (whole, run)]
    assert seen[0] == seen[1]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2])
def test_a_run_that_is_asked_to_stop_is_saved_first(
    signum: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "run")
    config = tiny(tmp_path, f"run_dir={run.path}")
    before = signal.getsignal(signum)
    with pytest.raises(Stopped) as stopped:
        trained(config, monkeypatch, After(7, lambda: os.kill(os.getpid(), signum)))
    assert stopped.value.code == 128 + signum
    assert signal.getsignal(signum) == before
    assert run.status == "interrupted"
    assert checkpoints.batches_of(run.saved()) == 9, "the batch that it was asked in is finished"
    train(config)
    assert run.status == "finished"


@pytest.mark.parametrize("requeues", [True, False])
def test_who_has_a_handler_gets_the_signal_when_the_run_is_saved(
    requeues: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Submitit has: of SIGUSR2 one that requeues the job, of SIGTERM one that does nothing."""
    run = Run(tmp_path / "run")
    behind = []

    def handler(signum: int, frame: object) -> None:
        behind.append(checkpoints.batches_of(run.saved()))
        if requeues:
            sys.exit(144)

    with handled(handler, signal.SIGUSR2), pytest.raises(SystemExit) if requeues else nullcontext():
        trained(
            tiny(tmp_path, f"run_dir={run.path}"), monkeypatch, After(7, lambda: os.kill(os.getpid(), signal.SIGUSR2))
        )
    assert behind == [9]
    assert run.status == ("interrupted" if requeues else "finished")


def test_whoever_is_asked_twice_stops_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def twice() -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)

    run = Run(tmp_path / "run")
    with pytest.raises(Stopped):
        trained(tiny(tmp_path, f"run_dir={run.path}"), monkeypatch, After(7, twice))
    assert checkpoints.batches_of(run.saved()) == 6, "the first epoch"


@pytest.mark.reliability
def test_a_finished_run_whose_checkpoint_is_damaged_is_trained_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny(tmp_path)
    run = Run(train(config))
    state = run.saved()["state_dict"]
    run.checkpoint.write_bytes(run.checkpoint.read_bytes()[:2000])
    train(config)
    said = " ".join(capsys.readouterr().err.split())
    assert "last.ckpt is missing or damaged; resuming from last-before.ckpt" in said
    assert all(torch.equal(value, state[name]) for name, value in run.saved()["state_dict"].items())
    for file in run.checkpoint.parent.iterdir():
        file.write_bytes(b"")
    train(config)
    assert "last.ckpt is missing or damaged; training from the start" in " ".join(capsys.readouterr().err.split())


def test_minutes_are_counted_from_the_last_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    now, loop = [1000.0], SimpleNamespace(restarted_on_epoch_end=False)
    trainer: Any = SimpleNamespace(world_size=1, fit_loop=loop)
    monkeypatch.setattr(saving.time, "monotonic", lambda: now[0])
    callback = saving.Saving(Path("last.ckpt"), minutes=10)
    callback.on_train_start(trainer, trainer)
    found = []
    for later in (1599.0, 1601.0):
        now[0] = later
        found.append(callback._wanted(trainer, 0))
    assert found == [False, True]
    callback.minutes = None
    assert not callback._wanted(trainer, 0)


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_what_was_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aif import losses

    kl, calls = losses.kl, [0]

    def breaking(*arguments: Any) -> torch.Tensor:
        calls[0] += torch.is_grad_enabled()
        return kl(*arguments) * (torch.nan if calls[0] == 2 + 9 else 1.0)  # two of the rehearsal

    monkeypatch.setattr("aif.losses.kl", breaking)
    run = Run(tmp_path / "run")
    with pytest.raises(UserError, match=r"train/kl is no finite number in batch 8 \(images \d+, .*, … of the training"):
        train(tiny(tmp_path, f"run_dir={run.path}", "save_minutes=0"))
    assert run.status == "failed"
    assert checkpoints.batches_of(run.saved()) == 8
    assert all(value.isfinite().all() for value in run.saved()["state_dict"].values() if value.is_floating_point())


def test_a_weight_that_is_no_number_is_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aif.ifcvae_gan import IFcVAEGAN

    def break_it(self: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if batch_idx == 5:  # the epoch's last
            next(self.encoder.parameters()).data[0] = torch.inf

    monkeypatch.setattr(IFcVAEGAN, "on_train_batch_end", break_it)
    run = Run(tmp_path / "run")
    with pytest.raises(UserError, match=r"encoder\.\S+ of the model is no finite number"):
        train(tiny(tmp_path, f"run_dir={run.path}"))
    assert not run.checkpoint.exists()


def test_a_full_disk_is_one_line_and_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the second epoch's checkpoint; when there is room again, the same command goes on."""
    run = Run(tmp_path / "run")
    config = tiny(tmp_path, f"run_dir={run.path}")
    write = checkpoints._Summed.write

    def full(self: Any, some: bytes) -> int:
        if run.checkpoint.is_file():  # the first epoch's
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, some)

    with monkeypatch.context() as patched:
        patched.setattr(checkpoints._Summed, "write", full)
        with pytest.raises(OSError, match="No space") as raised:
            train(config)
    line = user_message("train", raised.value)
    assert line is not None
    assert line.startswith("there is no room on the disk")
    assert run.status == "failed"
    assert checkpoints.epochs_of(run.saved()) == 1
    assert [file.name for file in run.checkpoint.parent.iterdir()] == ["last.ckpt"]
    train(config)
    assert run.status == "finished"
