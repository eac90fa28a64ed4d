"""What must come out the same in the schedule of faces: a run that was killed in any of its stages, and two ranks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from growing_digits import Kill, KilledError, same, trainer
from growing_faces import SIZE, Bars, fit, module, schedule
from pytorch_lightning import Callback, LightningModule
from pytorch_lightning.callbacks import ModelCheckpoint
from ranks import found_by_ranks
from torch import Tensor

from facet.callbacks.random_state import RandomState
from jacsup import losses


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


def test_ranks_stay_identical_and_the_covariance_is_that_of_all() -> None:
    one, other = found_by_ranks("faces")
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
