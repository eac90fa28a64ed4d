"""Averaged weights: over which batches, of models that grow, through checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import growing_faces
import pytest
import torch
from growing_digits import BATCH, SIZE, Kill, KilledError, Pictures, fit, module, same, trainer
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from tiny import tiny
from torch import Tensor, nn

from facet.callbacks.averaging import WarmAveraging
from facet.callbacks.random_state import RandomState
from facet.runs import Run
from facet.train import train
from jacsup.growth import ProgressiveGrowth


def test_warm_averaging_forgets_the_start() -> None:
    """After t batches the weight left on the initialisation is the product of the decays so far, not decay^t."""
    net, averaging, left = nn.Linear(1, 1), WarmAveraging(0.999), 1.0
    nn.init.ones_(net.weight)
    averaging.begin(net)
    nn.init.zeros_(net.weight)
    for t in range(100):
        averaging.move(net)
        left *= min(0.999, (1 + t) / (10 + t))
    assert averaging.average["weight"].item() == pytest.approx(left, rel=1e-4)
    assert left < 1e-6 < 0.999**100


def test_several_batches_at_once_are_as_many_moves() -> None:
    """A Lightning batch may carry several training batches."""
    net = nn.Linear(3, 1)
    one, other = WarmAveraging(0.9), WarmAveraging(0.9)
    one.begin(net)
    other.begin(net)
    nn.init.zeros_(net.weight)
    for _ in range(13):
        one.move(net)
    other.move(net, 13)
    torch.testing.assert_close(one.average, other.average)


def test_counts_are_copied_and_a_decay_without_end_is_refused() -> None:
    net, averaging = nn.BatchNorm1d(2), WarmAveraging(0.9)
    averaging.begin(net)
    net(torch.randn(4, 2))
    averaging.move(net)
    assert averaging.average["num_batches_tracked"].item() == 1
    with pytest.raises(ValueError, match=r"averaging\.decay=1"):
        WarmAveraging(1.0)


SYSTEMS: dict[str, Any] = {  # how to train, on what, what, by which schedule, and the file of a stage
    "digits": (fit, Pictures, module, lambda: ProgressiveGrowth(4, 2), "code03"),
    "faces": (*(getattr(growing_faces, name) for name in ("fit", "Bars", "module", "schedule")), "code04"),
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_stage_leaves_its_average_and_the_next_begins_with_it(system: str, tmp_path: Path) -> None:
    run, _, make, schedule, stage = SYSTEMS[system]
    averaging = WarmAveraging(0.9)
    left: dict[int, dict[str, Tensor]] = {}

    class Watch(Callback):
        """What a stage has come to, just before it ends."""

        def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            left[pl_module.code_size] = {k: v.clone() for k, v in averaging.average.items()}

    model = run(tmp_path, schedule(), Watch(), averaging, model=make())
    file = torch.load(tmp_path / "stages" / f"{stage}.ckpt", weights_only=True)["network"]
    for name, value in file.items():
        if isinstance(value, Tensor):
            assert torch.equal(value, left[int(stage[-2:])][f"network.{name}"]), name
    assert averaging.batches < 16, "of the last stage alone"
    assert model.teacher is not None
    for name, value in model.state_dict().items():
        if isinstance(value, Tensor):
            assert torch.equal(value, averaging.average[name]), name


@pytest.mark.parametrize(("system", "epoch"), [("digits", 2), ("digits", 3), ("faces", 2)])
def test_a_run_killed_after_a_growth_goes_on_bit_for_bit_with_its_average(
    system: str, epoch: int, tmp_path: Path
) -> None:
    """In the second stage: one batch after the growth, or an epoch later."""
    _, data, make, schedule, stage = SYSTEMS[system]

    def callbacks(path: Path) -> tuple[Callback, ...]:
        keeping = ModelCheckpoint(path, "last", save_on_train_epoch_end=True, enable_version_counter=False)
        return WarmAveraging(0.9), RandomState(), schedule(), keeping

    ways = [tmp_path / "whole", tmp_path / "cut"]
    whole, cut = make(), make()
    torch.manual_seed(5)
    trainer(ways[0], *callbacks(ways[0]), enable_checkpointing=True).fit(whole, datamodule=data())
    torch.manual_seed(5)
    with pytest.raises(KilledError):
        trainer(ways[1], Kill(epoch), *callbacks(ways[1]), enable_checkpointing=True).fit(cut, datamodule=data())
    resumed = make()
    torch.manual_seed(99)
    again = trainer(ways[1], *callbacks(ways[1]), enable_checkpointing=True)
    again.fit(resumed, datamodule=data(), ckpt_path=ways[1] / "last.ckpt", weights_only=True)
    assert same(whole, resumed)
    one, other = (torch.load(way / "stages" / f"{stage}.ckpt", weights_only=True)["network"] for way in ways)
    assert all(torch.equal(value, other[name]) for name, value in one.items() if isinstance(value, Tensor))


def test_the_horizon_is_of_batches_whatever_steps_a_method_makes(tmp_path: Path) -> None:
    """Three optimisers and further steps of one of them; two, of which the second has two; thirteen steps in one."""
    averaging = WarmAveraging()
    growing_faces.fit(tmp_path, growing_faces.schedule(1, 1, 1, 2), averaging)
    assert averaging.batches == 2 * growing_faces.SIZE // growing_faces.BATCH
    averaging = WarmAveraging()
    fit(tmp_path, ProgressiveGrowth(2, 3), averaging)
    assert averaging.batches == 3 * SIZE // BATCH
    more = ["ablation=strong_auxiliary", "trainer.max_epochs=1"]
    config = tiny(tmp_path, *more)
    assert config.model.auxiliary_training.steps > 1
    assert Run(train(config)).saved()["callbacks"]["WarmAveraging"] == {"batches": 6, "step": 6}
