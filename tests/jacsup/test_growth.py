"""Growth under Lightning: stages, fresh optimisers, resume bit for bit, equal ranks, refusals."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, LightningDataModule, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor

from datamodules.loader import Loader, Order, make_loader
from facet.callbacks.random_state import RandomState
from jacsup.growth import ProgressiveGrowth
from jacsup.module import ProgressiveAutoencoder, load_stage
from jacsup.networks import GrowingAutoencoder

SHAPE, SIZE, BATCH = (1, 6, 6), 64, 16


class Pictures(LightningDataModule):
    """Blobs; a data module as the workbench has them."""

    def tensors(self, split: str) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(len(split))
        coarse = torch.rand(SIZE, 1, 2, 2, generator=generator)
        images = torch.nn.functional.interpolate(coarse, size=6, mode="bilinear")
        return (images * 255).byte(), torch.zeros(SIZE, 0)

    def _loader(self, split: str) -> Loader:
        trainer = self.trainer
        assert trainer is not None
        ranks = {"rank": trainer.global_rank, "world_size": trainer.world_size}
        order = Order(SIZE, BATCH, shuffle=split == "train", steps=2, epoch=lambda: trainer.current_epoch, **ranks)
        return make_loader(self.tensors(split)[0], {}, order)

    def train_dataloader(self) -> Loader:
        return self._loader("train")

    def val_dataloader(self) -> Loader:
        return self._loader("val")


def module(**settings: Any) -> ProgressiveAutoencoder:
    torch.manual_seed(3)
    network = GrowingAutoencoder(SHAPE, 2, settings.pop("max_code_size", 4), (16, 8))
    adam = functools.partial(torch.optim.Adam, lr=1e-2, weight_decay=1e-4)
    return ProgressiveAutoencoder(network, adam, BATCH, **settings)


def trainer(root: Path, *callbacks: Callback, **settings: Any) -> Trainer:
    return Trainer(
        default_root_dir=root,
        callbacks=list(callbacks),
        **{
            "max_epochs": -1,
            "accelerator": "cpu",
            "devices": 1,
            "logger": False,
            "num_sanity_val_steps": 0,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "enable_checkpointing": False,
            **settings,
        },
    )


class Watch(Callback):
    """Remembers code sizes, optimisers, and losses of every epoch."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.steps: list[float] = []
        self.seen: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.sizes.append(pl_module.code_size)  # type: ignore[arg-type]
        state = next(iter(trainer.optimizers[0].state.values()))
        self.steps.append(float(state["step"]))
        self.seen.append({name: float(value) for name, value in trainer.callback_metrics.items()})


def fit(root: Path, growth: ProgressiveGrowth, *callbacks: Callback, model: Any = None, **settings: Any) -> Any:
    model = model or module()
    torch.manual_seed(5)
    trainer(root, *callbacks, growth, **settings).fit(model, datamodule=Pictures())
    return model


def same(one: LightningModule, other: LightningModule) -> bool:
    found, expected = one.state_dict(), other.state_dict()
    assert found.keys() == expected.keys()
    return all(
        torch.equal(value, expected[name]) if isinstance(value, Tensor) else value == expected[name]
        for name, value in found.items()
    )


def test_a_unit_is_opened_at_the_end_of_every_stage_with_a_fresh_optimiser(tmp_path: Path) -> None:
    watch = Watch()
    model = fit(tmp_path, ProgressiveGrowth(code_size=4, epochs=2), watch)
    assert watch.sizes == [2, 2, 3, 3, 4, 4]
    assert watch.steps == [4, 8] * 3, "two batches of two steps an epoch, counted anew in every stage"
    assert model.teacher.network.open == 3
    assert (model.stage, model.code_size, model.network.normalised) == (2, 4, False)
    assert "train/difference" not in watch.seen[1]
    assert {"train/difference", "train/code", "train/covariance", "val/difference"} <= watch.seen[2].keys()
    assert watch.seen[2]["code_size"] == 3
    assert sorted(file.name for file in (tmp_path / "stages").iterdir()) == [f"code0{n}.ckpt" for n in (2, 3, 4)]


def test_the_teacher_is_the_model_that_was_and_stays_as_it_is(tmp_path: Path) -> None:
    model = fit(tmp_path, ProgressiveGrowth(code_size=4, epochs=2))
    before = GrowingAutoencoder(SHAPE, 2, 4, (16, 8))
    load_stage(before, tmp_path / "stages" / "code03.ckpt")
    for name, value in before.state_dict().items():
        held = model.teacher.network.state_dict()[name]
        assert torch.equal(value, held) if isinstance(value, Tensor) else value == held
    assert not any(parameter.requires_grad for parameter in model.teacher.parameters())


def test_the_original_teacher_supervises_every_student(tmp_path: Path) -> None:
    model = fit(tmp_path, ProgressiveGrowth(code_size=4, epochs=1), model=module(teacher="original"))
    assert (model.teacher.network.open, model.teacher.supervised, model.code_size) == (2, 2, 4)


SETTINGS: list[dict[str, Any]] = [
    {},
    {"supervised": "first"},
    {"teacher": "original"},
    {"teacher_statistics": "batch"},
    {"derivative": "exact"},
    {"derivative": "exact", "teacher_statistics": "batch", "supervised": "first"},
]


@pytest.fixture(scope="module")
def unsupervised(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """What becomes of the Jacobian of a student without supervision."""
    watch = Watch()
    free = module(code_weight=0.0, difference_weight=0.0, reduction="mean")
    fit(tmp_path_factory.mktemp("free"), ProgressiveGrowth(code_size=4, epochs=15), watch, model=free)
    assert "train/difference" not in watch.seen[-1]
    return watch.seen[-1]


@pytest.mark.parametrize("settings", SETTINGS)
def test_every_setting_trains_and_supervision_binds(
    settings: dict[str, Any], unsupervised: dict[str, float], tmp_path: Path
) -> None:
    watch = Watch()
    strong = module(code_weight=5.0, difference_weight=5.0, reduction="mean", **settings)
    fit(tmp_path, ProgressiveGrowth(code_size=4, epochs=15), watch, model=strong)
    assert watch.seen[-1]["val/difference"] < 0.75 * unsupervised["val/difference"]
    if settings.get("teacher") != "original":  # the controls' code is compared with that of its own previous stage
        assert watch.seen[-1]["val/code"] < 0.25 * unsupervised["val/code"]


@pytest.mark.parametrize("supervised", ["code", "first"])
@pytest.mark.parametrize("statistics", ["running", "batch"])
def test_what_the_teacher_computed_once_is_what_it_would_compute(supervised: Any, statistics: Any) -> None:
    model = module(supervised=supervised, teacher_statistics=statistics)
    images = Pictures().tensors("train")[0].float() / 255
    model.network.encode(images)  # moves the running statistics
    for _ in range(2):
        model.grow()
        teacher = model.teacher
        assert teacher is not None
        teacher.look_at(images.split(10))
        index, pairs = torch.randperm(SIZE)[:8], torch.randperm(8)
        with torch.no_grad():
            network = teacher.network
            network.train(statistics == "batch")
            codes = network.encode(images[index])
            network.eval()
            swapped = torch.cat([codes[pairs, : teacher.supervised], codes[:, teacher.supervised :]], dim=1)
            change = network.decode(swapped) - network.decode(codes)
        found, found_change = teacher.targets(index, pairs)
        torch.testing.assert_close(found, codes[:, : teacher.supervised], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(found_change, change, rtol=1e-4, atol=1e-5)
        assert bool(len(teacher.decodings)) == (teacher.whole and not teacher.in_batches)


def test_stalling_ends_a_stage_early(tmp_path: Path) -> None:
    watch = Watch()
    growth = ProgressiveGrowth(code_size=4, epochs=500, patience=1)
    model = module()
    model.make_optimizer = functools.partial(torch.optim.Adam, lr=0.0)  # nothing gets better but the running statistics
    fit(tmp_path, growth, watch, model=model)
    assert watch.sizes[-1] == 4
    assert watch.sizes.count(3) == watch.sizes.count(4) == 2, (
        "the first epoch is the best so far, the second is not better"
    )


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
from tests.jacsup.test_growth import Pictures, module, trainer
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


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epochs": 0}, r"callbacks.growth.epochs=0: it must be at least 1"),
        ({"units": 0}, r"callbacks.growth.units=0"),
        ({"patience": 0}, r"callbacks.growth.patience=0"),
        ({"code_size": 5}, r"code_size=5 is more than the 4 units that model.network.max_code_size allocates"),
        ({"code_size": 3, "units": 2}, r"code_size=3 is not reached from 2 units in steps of 2"),
        ({"code_size": 1}, r"code_size=1 is not reached from 2 units"),
    ],
)
def test_a_schedule_that_can_not_be_followed_is_one_clear_line(settings: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        ProgressiveGrowth(**{"code_size": 4, "epochs": 1, **settings}).check(module())
    assert "\n" not in str(raised.value)


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
