"""What must come out the same in the supervised schedule: a run that was killed in any of its stages, and two ranks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from growing import same, trainer
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from supervised_growing import SIZE, Bars, fit, module, schedule
from torch import Tensor

from facet.callbacks.random_state import RandomState
from jacsup import losses


class KilledError(Exception):
    """The process ends here."""


class Kill(Callback):
    """Ends the run in the second step of an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if (trainer.current_epoch, batch_idx) == (self.epoch, 1):
            raise KilledError


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> LightningModule:
    """A run that nobody disturbed."""
    model: LightningModule = fit(tmp_path_factory.mktemp("whole"), schedule(1, 2, 1, 2))
    return model


@pytest.mark.parametrize("epoch", [1, 2, 3, 4, 5])
def test_a_run_killed_in_any_stage_goes_on_bit_for_bit(epoch: int, whole: LightningModule, tmp_path: Path) -> None:
    def checkpoints() -> tuple[Callback, ...]:
        settings = {"save_on_train_epoch_end": True, "enable_version_counter": False}
        return RandomState(), ModelCheckpoint(tmp_path, "last", **settings)

    with pytest.raises(KilledError):
        fit(tmp_path, schedule(1, 2, 1, 2), Kill(epoch), *checkpoints(), enable_checkpointing=True)
    resumed = module()
    torch.manual_seed(99)
    again = trainer(tmp_path, *checkpoints(), schedule(1, 2, 1, 2), enable_checkpointing=True)
    again.fit(resumed, datamodule=Bars(), ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert resumed.code_size == 6
    assert same(whole, resumed)


RANKS = """
import sys, torch
sys.path[:0] = [{root!r}, {tests!r}]
from pathlib import Path
import torch.distributed
from pytorch_lightning import Callback
from growing import trainer
from supervised_growing import Bars, module, schedule
from jacsup import losses

class Covariance(Callback):
    def on_train_start(self, trainer, pl_module):
        images, _ = Bars().tensors("val")
        mine = 2 * (images[trainer.global_rank * 8 :][:8].float() / 255) - 1
        y, z = pl_module.network.eval().encode(mine)
        all_z, all_y = pl_module.of_all_ranks(z.flatten(1)), pl_module.of_all_ranks(y)
        value = losses.cross_covariance(all_z, all_y)
        gradient, = torch.autograd.grad(value, pl_module.network.encoder.head.weight)
        torch.distributed.all_reduce(gradient)
        pl_module.network.train()
        self.found = dict(value=value.detach(), gradient=gradient / trainer.world_size)

if __name__ == "__main__":
    model, covariance = module(), Covariance()
    run = trainer(
        Path({path!r}), schedule(1, 1, 1, 1), covariance, devices=2, strategy="ddp_find_unused_parameters_true"
    )
    torch.manual_seed(100 + run.global_rank)
    run.fit(model, datamodule=Bars())
    torch.save(dict(model=model.state_dict(), **covariance.found), Path({path!r}) / f"rank{{run.global_rank}}.pt")
"""


def test_ranks_stay_identical_and_the_covariance_is_that_of_all(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    script = tmp_path / "ranks.py"
    script.write_text(RANKS.format(root=str(root), tests=str(root / "tests"), path=str(tmp_path)))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=240, cwd=root)
    assert done.returncode == 0, done.stderr[-3000:]
    one, other = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    assert one["model"]["network.encoder._extra_state"]["open"] == 6
    for name, value in one["model"].items():
        theirs = other["model"][name]
        assert torch.equal(value, theirs) if isinstance(value, Tensor) else value == theirs, name

    alone = module()
    images = 2 * (Bars().tensors("val")[0][:16].float() / 255) - 1
    assert SIZE >= 16
    y, z = alone.network.eval().encode(images)
    expected = losses.cross_covariance(z.flatten(1), y)
    (gradient,) = torch.autograd.grad(expected, alone.network.encoder.head.weight)
    for found in (one, other):
        torch.testing.assert_close(found["value"], expected.detach())
        torch.testing.assert_close(found["gradient"], gradient)
