"""What must come out the same: a run that was killed after a growth, two ranks, a run that starts from a stage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from growing import Pictures, Watch, fit, module, same, trainer
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor

from facet.callbacks.random_state import RandomState
from jacsup.growth import ProgressiveGrowth


class KilledError(Exception):
    """The process ends here."""


class KillAfterGrowth(Callback):
    """Ends the run one step after the first growth."""

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any, **kwargs: Any) -> None:
        if pl_module.code_size == 3:  # type: ignore[comparison-overlap]
            raise KilledError


@pytest.mark.parametrize("settings", [{}, {"teacher": "original"}, {"supervised": "first"}])
def test_a_run_killed_one_step_after_a_growth_goes_on_bit_for_bit(settings: dict[str, Any], tmp_path: Path) -> None:
    def checkpoints() -> tuple[Callback, ...]:
        settings = {"save_on_train_epoch_end": True, "enable_version_counter": False}
        return RandomState(), ModelCheckpoint(tmp_path / "cut", "last", **settings)

    whole = fit(tmp_path / "whole", ProgressiveGrowth(4, 2), model=module(**settings))
    growth, cut = ProgressiveGrowth(4, 2), module(**settings)
    with pytest.raises(KilledError):
        fit(tmp_path / "cut", growth, KillAfterGrowth(), *checkpoints(), model=cut, enable_checkpointing=True)
    resumed = module(**settings)
    torch.manual_seed(99)
    again = trainer(tmp_path / "cut", *checkpoints(), ProgressiveGrowth(4, 2), enable_checkpointing=True)
    again.fit(resumed, datamodule=Pictures(), ckpt_path=tmp_path / "cut" / "last.ckpt", weights_only=True)
    assert resumed.code_size == 4
    assert same(whole, resumed)
    for size in (3, 4):
        stages = [tmp_path / way / "stages" / f"code0{size}.ckpt" for way in ("whole", "cut")]
        one, other = (torch.load(stage, weights_only=True)["network"] for stage in stages)
        assert all(torch.equal(one[name], other[name]) for name in one if isinstance(one[name], Tensor))


RANKS = """
import sys, torch
sys.path[:0] = [{root!r}, {tests!r}]
from pathlib import Path
from jacsup.growth import ProgressiveGrowth
from growing import Pictures, module, trainer
if __name__ == "__main__":
    model = module()
    run = trainer(Path({path!r}), ProgressiveGrowth(4, 1), devices=2, strategy="ddp")
    torch.manual_seed(100 + run.global_rank)  # new units would be drawn differently
    run.fit(model, datamodule=Pictures())
    torch.save(model.state_dict(), Path({path!r}) / f"rank{{run.global_rank}}.pt")
"""


def test_ranks_stay_identical_across_a_growth(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    script = tmp_path / "ranks.py"
    script.write_text(RANKS.format(root=str(root), tests=str(root / "tests"), path=str(tmp_path)))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=240, cwd=root)
    assert done.returncode == 0, done.stderr[-3000:]
    one, other = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    assert one.keys() == other.keys()
    assert one["network._extra_state"]["open"] == 4
    for name, value in one.items():
        assert torch.equal(value, other[name]) if isinstance(value, Tensor) else value == other[name], name


def test_a_run_can_start_from_a_stage(tmp_path: Path) -> None:
    fit(tmp_path, ProgressiveGrowth(3, 1))
    watch = Watch()
    fit(
        tmp_path / "more",
        ProgressiveGrowth(4, 1),
        watch,
        model=module(initial=str(tmp_path / "stages" / "code03.ckpt")),
    )
    assert watch.sizes == [3, 4]


def test_a_stage_that_does_not_fit_is_one_clear_line(tmp_path: Path) -> None:
    fit(tmp_path, ProgressiveGrowth(2, 1))
    stage = str(tmp_path / "stages" / "code02.ckpt")
    (tmp_path / "page.ckpt").write_text("<html>")
    for path, size, said in (
        (stage, 5, "holds a network of another shape"),
        (str(tmp_path / "none.ckpt"), 4, "is not a stage of a run"),
        (str(tmp_path / "page.ckpt"), 4, "is not a stage of a run"),
    ):
        with pytest.raises(ValueError, match=said) as raised:
            module(initial=path, max_code_size=size)
        assert "\n" not in str(raised.value)
