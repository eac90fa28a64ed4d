"""How long a run is, what it is refused for, and what it says it has seen."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pytorch_lightning.loops.progress import _BatchProgress
from tiny import STAGED, tiny

from aif.ifcvae_gan import IFcVAEGAN
from facet.build import make
from facet.configuration import compose_config
from facet.errors import UserError
from facet.files import read_json
from facet.length import check_length
from facet.refusals import user_message
from facet.runs import Run
from facet.train import train


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["trainer.max_epochs=0"], "trainer.max_epochs=0: nothing would be trained"),
        (["trainer.max_steps=0"], "trainer.max_steps=0: nothing"),
        (["trainer.limit_train_batches=0"], "trainer.limit_train_batches=0: nothing"),
        (["trainer.max_epochs=-1"], "trainer.max_epochs=-1: nothing would end the run"),
        (["trainer.max_epochs=null"], "trainer.max_epochs=None: nothing would end the run"),
        (["trainer.max_time=00:00:10:00"], "trainer.max_time: .* a clock doesn't tell"),
        (
            ["+callbacks.end={_target_: pytorch_lightning.callbacks.Timer, duration: {hours: 1}}"],
            "callbacks.end: .* a clock doesn't tell",
        ),
        (["trainer.fast_dev_run=true"], "trainer.fast_dev_run keeps no checkpoint"),
        (["model=jacsup_faces", *STAGED, "trainer.max_steps=9"], "say callbacks.growth.epochs"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_a_run_without_a_length_in_batches_is_refused(more: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said) as raised:
        check_length(tiny(tmp_path, *more))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "more",
    [
        [],
        ["trainer.max_epochs=null", "trainer.max_steps=9"],
        ["model=jacsup_faces", *STAGED],
        ["model=jacsup_digits"],
    ],
    ids=str,
)
def test_a_run_with_one_is_not(more: list[str], tmp_path: Path) -> None:
    check_length(compose_config("train", more) if "digits" in str(more) else tiny(tmp_path, *more))


def test_nothing_is_made_before_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing would be trained"):
        train(tiny(tmp_path, "trainer.max_epochs=0", f"data.root={tmp_path / 'data'}"))
    assert not list(tmp_path.iterdir())


def test_a_run_of_so_many_batches_says_what_it_has_seen_resumed_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight batches of six an epoch: it goes down in the second, and ends there."""
    run, step = Run(tmp_path / "run"), IFcVAEGAN.training_step
    config = tiny(tmp_path, "trainer.max_epochs=null", "trainer.max_steps=8", f"run_dir={run.path}")
    seen: list[int] = []

    def failing(self: Any, *arguments: Any) -> None:
        if self.trainer.max_steps == 8:  # and not in the rehearsal
            seen.append(self.trainer.global_step)
            if len(seen) == 8:
                raise RuntimeError("the machine went down")
        step(self, *arguments)

    monkeypatch.setattr(IFcVAEGAN, "training_step", failing)
    with pytest.raises(RuntimeError, match="went down"):
        train(config)
    train(config)
    assert seen == [*range(8), 6, 7]
    training = read_json(run.path / "status.json")["training"]
    assert (training["steps"], training["images_seen"]) == (8, 8 * 16)
    assert all(value.isfinite().all() for value in run.saved()["state_dict"].values())


def test_batches_to_overfit_are_the_same_in_every_epoch(tmp_path: Path) -> None:
    data = make(tiny(tmp_path).data)
    orders = {}
    for overfit in (0.0, 2):
        for epoch in (0, 1):
            loop = SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=_BatchProgress()))
            known = {"current_epoch": epoch, "overfit_batches": overfit, "world_size": 1, "global_rank": 0}
            data.trainer = SimpleNamespace(**known, fit_loop=loop)
            first, _ = next(data.order("train").batches())
            orders[overfit, epoch] = first
    assert torch.equal(orders[2, 0], orders[2, 1])
    assert not torch.equal(orders[0.0, 0], orders[0.0, 1])


@pytest.mark.parametrize("more", ["trainer.limit_train_batches=0.01", "trainer.val_check_interval=100"])
def test_what_lightning_refuses_of_a_length_is_one_line(more: str, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=more.strip("+").split(".")[1].split("=")[0]) as raised:
        train(tiny(tmp_path, more))
    line = user_message("train", raised.value)
    assert line is not None
    assert "\n" not in line
