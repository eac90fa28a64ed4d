"""What must come out the same: a run that was killed after a growth, two ranks, a run that starts from a stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from growing_digits import BATCH, SIZE, Pictures, Watch, fit, module, same, trainer
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from ranks import found_by_ranks
from torch import Tensor

from facet.callbacks.random_state import RandomState
from jacsup.growth import ProgressiveGrowth


class KilledError(Exception):
    """The process ends here."""


class KillAfterGrowth(Callback):
    """Ends the run one step after it has grown to a size."""

    def __init__(self, size: int) -> None:
        self.size = size

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any, **kwargs: Any) -> None:
        if pl_module.code_size == self.size:  # type: ignore[comparison-overlap]
            raise KilledError


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a run from 2 to 4 units left its stages."""
    root = tmp_path_factory.mktemp("stages")
    fit(root, ProgressiveGrowth(4, 1))
    return root / "stages"


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ({}, 3),
        ({"supervisor": "first_teacher"}, 3),
        ({"teacher_statistics": "batch"}, 3),
        ({"swapped_units": "first"}, 4),
        ({"initial": "code02.ckpt"}, 4),
    ],
)
def test_a_run_killed_one_step_after_a_growth_goes_on_bit_for_bit(
    settings: dict[str, Any], size: int, stages: Path, tmp_path: Path
) -> None:
    settings = {name: str(stages / value) if name == "initial" else value for name, value in settings.items()}

    def checkpoints() -> tuple[Callback, ...]:
        settings = {"save_on_train_epoch_end": True, "enable_version_counter": False}
        return RandomState(), ModelCheckpoint(tmp_path / "cut", "last", **settings)

    whole = fit(tmp_path / "whole", ProgressiveGrowth(4, 2), model=module(**settings))
    growth, cut = ProgressiveGrowth(4, 2), module(**settings)
    with pytest.raises(KilledError):
        fit(tmp_path / "cut", growth, KillAfterGrowth(size), *checkpoints(), model=cut, enable_checkpointing=True)
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


def test_ranks_stay_identical_across_a_growth() -> None:
    one, other = found_by_ranks("growth")
    assert one.keys() == other.keys()
    assert one["network._extra_state"]["open"] == 4
    assert one["steps"] == SIZE // BATCH, "in the last stage's epoch as many as one process takes"
    for name, value in one.items():
        assert torch.equal(value, other[name]) if isinstance(value, Tensor) else value == other[name], name


@pytest.mark.parametrize(("swapped_units", "units"), [("code", 3), ("first", 2)])
def test_a_run_from_a_stage_begins_with_its_growth(
    swapped_units: Any, units: int, stages: Path, tmp_path: Path
) -> None:
    """As the run that the stage is of went on: the stage is the teacher, and not trained without one."""
    watch, initial = Watch(), stages / "code03.ckpt"
    model = module(initial=str(initial), swapped_units=swapped_units, max_units=4, weights={"stage_factor": 0.5})
    fit(tmp_path, ProgressiveGrowth(4, 2), watch, model=model)
    assert watch.sizes == [4, 4], "the trainer's length is that of the stages to come"
    assert watch.steps == [4, 8]
    assert {"train/code", "train/difference", "train/covariance"} <= watch.seen[0].keys()
    assert (model.stage, model.first_code_size, model.ended) == (2, 2, False)
    terms = {name: torch.ones(()) for name in ("code", "difference")}
    assert model.total(terms).item() == pytest.approx(0.5 * 1.1), "of the second student, whoever trained the first"
    assert (model.teacher.network.open, model.teacher.swapped_units) == (3, units)
    held, kept = (torch.load(path, weights_only=True)["network"] for path in (initial, tmp_path / "stages/code03.ckpt"))
    for name, value in model.teacher.network.state_dict().items():
        assert torch.equal(value, held[name]) if isinstance(value, Tensor) else value == held[name], name
        assert torch.equal(kept[name], held[name]) if isinstance(value, Tensor) else kept[name] == held[name], name
    assert sorted(path.name for path in (tmp_path / "stages").iterdir()) == ["code03.ckpt", "code04.ckpt"]


def test_the_first_teacher_can_be_the_stage(stages: Path, tmp_path: Path) -> None:
    watch = Watch()
    model = module(initial=str(stages / "code02.ckpt"), supervisor="first_teacher")
    fit(tmp_path, ProgressiveGrowth(4, 1), watch, model=model)
    assert (watch.sizes, model.teacher.network.open) == ([3, 4], 2)


@pytest.mark.parametrize(
    ("stage", "growth", "settings", "said"),
    [
        (
            "code04",
            {},
            {},
            r"a stage of 4 units, from which callbacks.growth does not continue: its stages have 2, 3, 4",
        ),
        (
            "code03",
            {"units_per_growth": 2},
            {},
            r"a stage of 3 units, .* its stages have 2, 4; callbacks.growth.sizes may say",
        ),
        (
            "code03",
            {},
            {"supervisor": "first_teacher"},
            r"has 3 units, but model.supervisor=first_teacher needs .*, of 2",
        ),
        ("code03", {}, {"inherit": False}, r"with model.inherit=false nothing is made from a stage before"),
    ],
)
def test_a_stage_that_nothing_follows_is_one_clear_line(
    stage: str, growth: dict[str, int], settings: dict[str, Any], said: str, stages: Path
) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        ProgressiveGrowth(4, 1, **growth).check(module(initial=str(stages / f"{stage}.ckpt"), **settings))
    assert "\n" not in str(raised.value)


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
            module(initial=path, max_units=size)
        assert "\n" not in str(raised.value)
