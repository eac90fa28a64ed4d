"""What is no finite number: the batch that led to it is named, or undone as if it had never been."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from made_once import avatars
from pytorch_lightning import Callback
from tiny import STAGED, TINY, assert_same

from facet import build
from facet.callbacks.undoing import Undoing
from facet.configuration import compose_config
from facet.errors import UserError
from facet.files import read_json
from facet.runs import Run
from facet.train import train

QUICK = ("callbacks.edits=null", "trainer.log_every_n_steps=1", "trainer.limit_val_batches=0")
METHODS = {
    "model=ifcvae_gan": (*TINY, *QUICK, "ablation=strong_auxiliary"),  # with a memory of codes, and an average
    "model=icgan": (*TINY, *QUICK, "model.gan_share=0.5", "model.penalty_every=4"),
    "model=jacsup_faces": (*STAGED, *QUICK, "callbacks.growth.epochs=[1,1,1,1]"),
}


class KilledError(Exception):
    """As if the process had ended."""


class Breaking(Callback):
    """Images or gradients of some batches of the run are no numbers; looks at what such a batch leaves behind."""

    def __init__(self, images: tuple[int, ...] = (), gradients: tuple[int, ...] = (), killed: int = -1) -> None:
        self.images, self.gradients, self.killed = images, gradients, killed
        self.before: list[torch.Tensor] | None = None
        self.looked = 0

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self.look(trainer, pl_module)
        number = trainer.fit_loop.epoch_loop.total_batch_idx
        if number == self.killed:
            raise KilledError
        if number in self.images:
            batch["image"].fill_(torch.nan)
        if number in self.gradients:
            for parameter in pl_module.parameters():
                if parameter.requires_grad:
                    hook = parameter.register_hook(lambda gradient: gradient * torch.nan)
                    self.hooks.append(hook)
        if number in (*self.images, *self.gradients):
            self.before = self.state(trainer, pl_module)

    hooks: list[Any] = []  # noqa: RUF012

    def look(self, trainer: Any, pl_module: Any) -> None:
        while self.hooks:
            self.hooks.pop().remove()
        if self.before is None:
            return
        after, self.before, before = self.state(trainer, pl_module), None, self.before
        assert len(after) == len(before)
        for one, other in zip(before, after, strict=True):
            torch.testing.assert_close(other, one, rtol=0, atol=0, equal_nan=True)
        self.looked += 1

    def state(self, trainer: Any, pl_module: Any) -> list[torch.Tensor]:
        states = [value for one in trainer.optimizers for state in one.state.values() for value in state.values()]
        averages = [value for each in trainer.callbacks for value in getattr(each, "average", {}).values()]
        held = [*pl_module.state_dict().values(), *states, *averages]
        return [value.detach().clone() for value in held if isinstance(value, torch.Tensor)]


def trained(config: Any, monkeypatch: pytest.MonkeyPatch, breaking: Breaking) -> Run:
    made = build.Parts.trainer

    def trainer(self: build.Parts, batches: int) -> Any:
        self.callbacks = [breaking, *self.callbacks]
        return made(self, batches)

    with monkeypatch.context() as patched:
        patched.setattr(build.Parts, "trainer", trainer)
        return Run(train(config))


@pytest.mark.reliability
@pytest.mark.parametrize("method", METHODS)
def test_a_skipped_batch_leaves_all_as_it_was_and_is_counted(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first of all, too; and a run that is killed after some goes on bit for bit, with their number."""
    settings = [*method.split(), *METHODS[method], f"data.root={avatars()}", "on_nonfinite=skip"]
    whole, cut = (
        compose_config("train", [*settings, f"run_dir={tmp_path / name}", "save_minutes=0"]) for name in ("one", "two")
    )
    broken: dict[str, Any] = {"images": (0, 3), "gradients": (8, 14)}
    breaking = Breaking(**broken)
    run = trained(whole, monkeypatch, breaking)
    assert breaking.looked == 4
    assert "no finite number: 4" in " ".join(capsys.readouterr().err.split())
    assert read_json(run.path / "status.json")["training"]["skipped"] == 4
    with (run.path / "metrics.csv").open(newline="") as lines:
        counted = [row["train/skipped"] for row in csv.DictReader(lines) if row["train/skipped"]]
    assert [float(count) for count in counted[:5]] == [1, 1, 1, 2, 2]
    weights = [value for name, value in run.saved()["state_dict"].items() if name.endswith("weight")]
    assert weights
    assert all(value.isfinite().all() for value in weights)
    with pytest.raises(KilledError):
        trained(cut, monkeypatch, Breaking(**broken, killed=10))
    again = trained(cut, monkeypatch, Breaking(**broken))
    assert_same(run, again)
    assert read_json(again.path / "status.json")["training"]["skipped"] == 4


@pytest.mark.reliability
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("kind", "said"), [("images", r"train/\w+"), ("gradients", "a weight of the model")])
def test_the_batch_is_named_in_which_it_began(
    kind: str, said: str, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = [*method.split(), *METHODS[method], f"data.root={avatars()}", f"run_dir={tmp_path / 'run'}"]
    with pytest.raises(UserError, match=rf"{said}.* is no finite number in batch 2 \(images \d+, \d+, .*on_nonfinite"):
        trained(compose_config("train", settings), monkeypatch, Breaking(**{kind: (2,)}))  # type: ignore[arg-type]


def test_a_loss_without_weight_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without L_KL, the variance is free to overflow it."""
    from aif import losses

    kl = losses.kl
    monkeypatch.setattr("aif.losses.kl", lambda *arguments: kl(*arguments) + torch.inf)
    settings = [*TINY, *QUICK, "trainer.max_epochs=1", f"data.root={avatars()}"]
    config = compose_config("train", [*settings, "model.weights.kl=0", f"run_dir={tmp_path / 'run'}"])
    assert Run(train(config)).status == "finished"


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("fine", [True, False])
@pytest.mark.parametrize("steps", [0, 1])
def test_a_step_is_undone_with_and_without_waiting_to_be_told(told: bool, fine: bool, steps: int) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.NAdam(net.parameters())  # whose state doesn't begin with zeros alone

    def step() -> None:
        net(torch.randn(4, 3)).square().sum().backward()
        optimizer.step()

    for _ in range(steps):
        step()
    trainer: Any = type("Trainer", (), {"optimizers": [optimizer], "callbacks": []})()
    before = [value.clone() for value in (*net.state_dict().values(), *states(optimizer))]
    undoing = Undoing()
    undoing.take(trainer, net)  # type: ignore[arg-type]
    step()
    after = [value.clone() for value in (*net.state_dict().values(), *states(optimizer))]
    undoing.undo_unless(torch.tensor(fine), told)
    found = [*net.state_dict().values(), *states(optimizer)]
    expected = after if fine else before
    assert len(found) == len(expected)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    assert not all(torch.equal(one, other) for one, other in zip(before, after, strict=False))


def states(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    return [value for state in optimizer.state.values() for value in state.values()]
