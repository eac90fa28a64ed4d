"""Growth under Lightning: stages, fresh optimisers, who supervises, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from growing_digits import SHAPE, SIZE, Pictures, Watch, fit, module
from torch import Tensor

from jacsup.digit_networks import GrowingAutoencoder
from jacsup.growth import ProgressiveGrowth
from jacsup.losses import directional
from jacsup.stages import load_stage


def test_a_unit_is_opened_at_the_end_of_every_stage_with_a_fresh_optimiser(tmp_path: Path) -> None:
    watch = Watch()
    model = fit(tmp_path, ProgressiveGrowth(max_units=4, epochs=2), watch)
    assert watch.sizes == [2, 2, 3, 3, 4, 4]
    assert watch.steps == [4, 8] * 3, "two batches of two steps an epoch, counted anew in every stage"
    assert model.teacher.network.open == 3
    assert (model.stage, model.code_size, model.network.normalised) == (2, 4, False)
    assert "train/difference" not in watch.seen[1]
    assert {"train/difference", "train/code", "train/covariance", "val/difference"} <= watch.seen[2].keys()
    assert watch.seen[2]["code_size"] == 3
    assert sorted(file.name for file in (tmp_path / "stages").iterdir()) == [f"code0{n}.ckpt" for n in (2, 3, 4)]


def test_the_teacher_is_the_model_that_was_and_stays_as_it_is(tmp_path: Path) -> None:
    model = fit(tmp_path, ProgressiveGrowth(max_units=4, epochs=2))
    before = GrowingAutoencoder(SHAPE, 2, 4, (16, 8))
    load_stage(before, tmp_path / "stages" / "code03.ckpt")
    for name, value in before.state_dict().items():
        held = model.teacher.network.state_dict()[name]
        assert torch.equal(value, held) if isinstance(value, Tensor) else value == held
    assert not any(parameter.requires_grad for parameter in model.teacher.parameters())
    images = Pictures().tensors("train")[0].float() / 255
    torch.testing.assert_close(model.teacher.codes, model.teacher.read(images), rtol=1e-5, atol=1e-6)


def test_the_first_teacher_supervises_every_student(tmp_path: Path) -> None:
    model = fit(tmp_path, ProgressiveGrowth(max_units=4, epochs=1), model=module(supervisor="first_teacher"))
    assert (model.teacher.network.open, model.teacher.swapped_units, model.code_size) == (2, 2, 4)


SETTINGS: list[dict[str, Any]] = [
    {},
    {"swapped_units": "first"},
    {"supervisor": "first_teacher"},
    {"teacher_statistics": "batch"},
    {"derivative": "exact"},
    {"derivative": "exact", "teacher_statistics": "batch", "swapped_units": "first"},
]


@pytest.fixture(scope="module")
def unsupervised(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """What becomes of the Jacobian of a student without supervision."""
    watch = Watch()
    free = module(weights={"code": 0.0, "difference": 0.0}, reduction="mean")
    fit(tmp_path_factory.mktemp("free"), ProgressiveGrowth(max_units=4, epochs=15), watch, model=free)
    assert "train/difference" not in watch.seen[-1]
    return watch.seen[-1]


@pytest.mark.parametrize("settings", SETTINGS)
def test_every_setting_trains_and_supervision_binds(
    settings: dict[str, Any], unsupervised: dict[str, float], tmp_path: Path
) -> None:
    watch = Watch()
    strong = module(weights={"code": 5.0, "difference": 5.0}, reduction="mean", **settings)
    fit(tmp_path, ProgressiveGrowth(max_units=4, epochs=15), watch, model=strong)
    assert watch.seen[-1]["val/difference"] < 0.75 * unsupervised["val/difference"]
    if settings.get("supervisor") != "first_teacher":  # else the two runs' codes are compared with different teachers
        assert watch.seen[-1]["val/code"] < 0.25 * unsupervised["val/code"]


@pytest.mark.parametrize("swapped_units", ["code", "first"])
@pytest.mark.parametrize("statistics", ["running", "batch"])
def test_what_the_teacher_computed_once_is_what_it_would_compute(swapped_units: Any, statistics: Any) -> None:
    model = module(swapped_units=swapped_units, teacher_statistics=statistics)
    images = Pictures().tensors("train")[0].float() / 255
    model.network.encode(images)  # moves the running statistics
    for _ in range(2):
        model.grow()
        teacher = model.teacher
        assert teacher is not None
        teacher.cache_outputs(images.split(10))
        index, pairs = torch.randperm(SIZE)[:8], torch.randperm(8)
        with torch.no_grad():
            network = teacher.network
            network.train(statistics == "batch")
            codes = network.encode(images[index])
            network.eval()
            swapped = torch.cat([codes[pairs, : teacher.swapped_units], codes[:, teacher.swapped_units :]], dim=1)
            change = network.decode(swapped) - network.decode(codes)
        found, found_change = teacher.targets(index, pairs)
        torch.testing.assert_close(found, codes[:, : teacher.swapped_units], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(found_change, change, rtol=1e-4, atol=1e-5)
        found, found_change = teacher.derivative(index, pairs)
        torch.testing.assert_close(found, codes[:, : teacher.swapped_units], rtol=1e-4, atol=1e-5)
        derivative = directional(network.decode, codes, swapped - codes)
        torch.testing.assert_close(found_change, derivative, rtol=1e-4, atol=1e-5)
        assert bool(len(teacher.decodings)) == (teacher.swaps_whole_code and not teacher.in_batches)


def test_stalling_ends_a_stage_early(tmp_path: Path) -> None:
    """What is watched stays as it is within a stage and is worse in the next: its own first value is to be beaten."""
    watch = Watch()
    fit(tmp_path, ProgressiveGrowth(max_units=4, epochs=500, patience=2, monitor="code_size"), watch)
    assert watch.sizes == [2, 2, 2, 3, 3, 3, 4, 4, 4], "the first epoch is the best so far, two more are not better"


def test_an_unknown_monitor_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"monitor=val/msee is not logged; there are val/mse"):
        fit(tmp_path, ProgressiveGrowth(4, 2, patience=1, monitor="val/msee"))


def test_from_scratch_every_stage_is_a_first_teacher_of_its_size(tmp_path: Path) -> None:
    watch = Watch()
    model = fit(tmp_path, ProgressiveGrowth(4, 1), watch, model=module(inherit=False))
    assert watch.sizes == [2, 3, 4]
    assert model.teacher is None
    assert model.network.normalised
    assert "train/difference" not in watch.seen[-1]
    stages = [model.at_stage(tmp_path / "stages" / f"code0{n}.ckpt") for n in (3, 4)]
    assert not torch.allclose(stages[0].trunk[0].weight, stages[1].trunk[0].weight, atol=0.05), "nothing is inherited"
    codes = stages[1].codes(Pictures().tensors("train")[0].float() / 255)
    assert codes.shape == (SIZE, 4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epochs": 0}, r"callbacks.growth.epochs=0: it must be at least 1"),
        ({"units_per_growth": 0}, r"callbacks.growth.units_per_growth=0"),
        ({"patience": 0}, r"callbacks.growth.patience=0"),
        ({"max_units": 5}, r"max_units=5 is more than the 4 units that model.network.max_units allocates"),
        ({"max_units": 3, "units_per_growth": 2}, r"max_units=3 is not reached from 2 units in steps of 2"),
        ({"max_units": 1}, r"max_units=1 is not reached from 2 units"),
        ({"sizes": [2, 2, 4]}, r"sizes=\[2, 2, 4\]: every stage of this model opens units, no size may come twice"),
        ({"sizes": [2, 3, 3]}, r"sizes=\[2, 3, 3\]: every stage"),
    ],
)
def test_a_schedule_that_can_not_be_followed_is_one_clear_line(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        ProgressiveGrowth(**{"max_units": 4, "epochs": 1, **settings}).check(module())
    assert "\n" not in str(raised.value)


def test_another_length_in_the_trainers_settings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"trainer.max_epochs=3 would cut the schedule of 6 epochs: leave it at -1"):
        fit(tmp_path, ProgressiveGrowth(max_units=4, epochs=2), max_epochs=3)
