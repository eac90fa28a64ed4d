"""The data module as a whole: settings, splits, caching, counterfactuals, in a program and under a trainer."""

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from datamodules import avatars as module
from datamodules import drawn as drawn_data
from datamodules.avatar_drawing import render
from datamodules.avatar_factors import ATTRIBUTES, draw_avatar
from datamodules.avatars import AvatarsDataModule
from datamodules.splits import SPLITS

UNGUARDED = """
import sys
from datamodules import avatars, drawn
drawn.CHUNK = 10
data = avatars.AvatarsDataModule(resolution=16, train_size=40, val_size=4, test_size=4, root=sys.argv[1], workers=2)
data.prepare_data()
print(int(data.store("train").images.sum()))
"""


def data(root: Path, **settings: Any) -> AvatarsDataModule:
    defaults: dict[str, Any] = {"resolution": 32, "train_size": 24, "val_size": 8, "test_size": 12, "batch_size": 8}
    return AvatarsDataModule(**{**defaults, "root": str(root), **settings})


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> AvatarsDataModule:
    avatars = data(tmp_path_factory.mktemp("avatars"))
    avatars.prepare_data()
    return avatars


def test_splits_have_their_sizes_and_labels_are_the_factors(drawn: AvatarsDataModule) -> None:
    for split, size in zip(SPLITS, (24, 8, 12), strict=True):
        images, attributes = drawn.tensors(split)
        assert images.shape == (size, 3, 32, 32)
        assert images.dtype == torch.uint8
        factors = np.array([drawn.factors(index, split).labels() for index in range(size)])
        assert np.array_equal(attributes.numpy(), factors)
    first = [drawn.tensors(split)[0][0] for split in SPLITS]
    assert not any(torch.equal(a, b) for a, b in ((first[0], first[1]), (first[1], first[2]), (first[0], first[2])))


def test_a_batch_is_shared_out_among_the_processes(drawn: AvatarsDataModule, monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawn.order("train").batch_size == 8
    trainer = SimpleNamespace(world_size=4, global_rank=3, current_epoch=0, overfit_batches=0)
    monkeypatch.setattr(drawn, "trainer", trainer)
    assert drawn.order("train").batch_size == 2
    assert len(drawn.order("train")) == 3, "as many steps as one process takes"
    assert drawn.order("val").batch_size == 250, "evaluation takes as many as fit"
    trainer.world_size = 3
    with pytest.raises(ValueError, match=r"data.batch_size=8 can't be shared out evenly among 3 processes: choose a"):
        drawn.order("train")
    trainer.world_size = 8  # one image each: nothing that batch norm could normalise
    with pytest.raises(ValueError, match=r"among 8 processes: choose a multiple of 8, 16 at least"):
        drawn.order("train")


def test_images_stay_mapped_and_torch_does_not_complain(drawn: AvatarsDataModule) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images, _ = drawn.tensors("train")
    assert isinstance(drawn.store("train").images, np.memmap)
    assert images.float().mean() > 1  # readable though the store's own object is gone


def test_the_chosen_attributes_are_the_columns(drawn: AvatarsDataModule) -> None:
    chosen = data(drawn.directory, attributes=["Wearing_Hat", "Smiling"])
    assert chosen.attribute_names == ("Wearing_Hat", "Smiling")
    columns = [ATTRIBUTES.index(name) for name in chosen.attribute_names]
    assert torch.equal(chosen.tensors("val")[1], drawn.tensors("val")[1][:, columns])
    assert drawn.attribute_names == ATTRIBUTES


def test_what_is_drawn_is_kept(drawn: AvatarsDataModule, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("drawn again")

    monkeypatch.setattr(drawn_data, "run_jobs", never)
    data(drawn.directory).prepare_data()
    with pytest.raises(AssertionError, match="drawn again"):
        data(drawn.directory, seed=1).prepare_data()


def test_settings_that_change_an_image_change_the_fingerprint(tmp_path: Path) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"resolution": 48},
        {"seed": 1},
        {"correlation": 0.5},
        {"images_per_identity": 2},
        {"train_size": 25},
        {"test_size": 13},
    ]
    assert len({data(tmp_path, **change).fingerprint for change in changes}) == len(changes)
    same: list[dict[str, Any]] = [{}, {"batch_size": 2}, {"workers": 1}, {"order_seed": 5}, {"attributes": ["Smiling"]}]
    assert len({data(tmp_path, **change).fingerprint for change in same}) == 1


def test_who_is_in_two_images_is_in_train(tmp_path: Path) -> None:
    drawn = data(tmp_path)
    people = {split: [drawn.factors(i, split).identity for i in range(8)] for split in ("train", "val", "test")}
    assert people["train"] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert people["val"] == people["test"] == list(range(8))


def test_a_corrupt_store_is_drawn_again_and_said_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = np.array(data(tmp_path).store("val").images)
    file = next(tmp_path.glob("val-*/images.npy"))
    file.write_bytes(file.read_bytes()[:-7] + b"tampers")
    capfd.readouterr()
    assert np.array_equal(data(tmp_path).store("val").images, before)
    said = capfd.readouterr()
    assert "corrupt store, built again" in said.err
    assert said.out == ""


def test_progress_is_one_line_where_there_is_no_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data(tmp_path).store("val")
    said = capfd.readouterr()
    assert said.out == ""
    assert len(said.err.strip().splitlines()) == 1
    assert "avatars: val" in said.err
    assert "8/8" in said.err


def test_an_unguarded_script_may_draw_in_parallel(tmp_path: Path) -> None:
    """Processes that ``multiprocessing`` spawns would run the script again, and fail."""
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    environment = {**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[1])}
    command = [sys.executable, str(script), str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 3  # a bar for each split
    here = data(tmp_path / "elsewhere", resolution=16, train_size=40, workers=1)
    assert int(done.stdout) == int(here.store("train").images.sum())


# ---------------------------------------------------------------------- counterfactuals


def test_counterfactuals_of_a_split_are_those_of_its_images(drawn: AvatarsDataModule) -> None:
    flipped = drawn.counterfactuals("Smiling", "val")
    images, attributes = drawn.tensors("val")
    assert flipped.dtype == torch.uint8
    for index in range(len(images)):
        smiling = float(attributes[index, ATTRIBUTES.index("Smiling")])
        one = drawn.counterfactual(index, {"Smiling": 1 - smiling}, "val")
        assert torch.equal(one, flipped[index].float() / 255)
        assert torch.equal(drawn.counterfactual(index, {"Smiling": smiling}, "val"), images[index].float() / 255)
        assert torch.equal(flipped[index, :, : round(0.55 * 32)], images[index, :, : round(0.55 * 32)])
        assert not torch.equal(flipped[index], images[index])


def test_several_attributes_change_at_once(drawn: AvatarsDataModule) -> None:
    changed = drawn.factors(3).changed("Eyeglasses", True).changed("Gray_Hair", True).changed("Smiling", False)
    image = drawn.counterfactual(3, {"Eyeglasses": 1, "Gray_Hair": 1, "Smiling": 0})
    assert np.array_equal((image * 255).round().numpy(), render(changed, 32))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: d.counterfactual(0, {"Smilng": 1}), "no attribute 'Smilng'; nearest: Smiling"),
        (lambda d: d.counterfactuals("hat"), "no attribute 'hat'; nearest: .*Wearing_Hat"),
        (lambda d: d.counterfactual(0, {"Smiling": 0.5}), "Smiling=0.5"),
        (lambda d: d.counterfactual(0, {"Gray_Hair": 1, "Black_Hair": 1}), "exclude each other"),
        (lambda d: d.counterfactual(12, {"Smiling": 1}), "no image 12 in the test split: it has 12"),
        (lambda d: d.counterfactual(-1, {"Smiling": 1}), "no image -1"),
        (lambda d: d.factors(0, "training"), "no split 'training'; there are train, val, test"),
    ],
)
def test_what_can_not_be_drawn_is_an_error(call: Any, message: str, drawn: AvatarsDataModule) -> None:
    with pytest.raises(ValueError, match=message):
        call(drawn)


# ---------------------------------------------------------------------- bad settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attributes": ["Smilin"]}, "data=avatars has no attribute 'Smilin'; nearest: Smiling"),
        ({"attributes": ["Moustache"]}, "nearest: Mustache"),
        ({"attributes": ["xyz"]}, "nearest: " + ", ".join(ATTRIBUTES)),
        ({"train_size": 0}, "data.train_size=0"),
        ({"images_per_identity": 0}, "data.images_per_identity=0"),
        ({"batch_size": 0}, "data.batch_size=0"),
        ({"workers": 0}, "data.workers=0"),
        ({"seed": -1}, "data.seed=-1"),
        ({"resolution": 4}, "data.resolution=4"),
        ({"correlation": 1.5}, "data.correlation=1.5"),
    ],
)
def test_bad_settings_are_one_clear_line(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        data(tmp_path, **settings)
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_cache_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"can't be written .* set data.root, data.store or FACET_CACHE"):
        data(tmp_path / "file" / "below").prepare_data()


def test_a_batch_larger_than_the_training_split_is_an_error(drawn: AvatarsDataModule) -> None:
    with pytest.raises(ValueError, match=r"smaller data.batch_size"):
        data(drawn.directory, batch_size=25).loader("train")


# ---------------------------------------------------------------------- under a trainer


class Seen(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.indices: dict[tuple[str, int], list[int]] = {}

    def training_step(self, batch: dict[str, torch.Tensor], _: int) -> torch.Tensor:
        self.indices.setdefault(("train", self.current_epoch), []).extend(batch["index"].tolist())
        return self.weight * batch["image"].mean()

    def validation_step(self, batch: dict[str, torch.Tensor], _: int) -> None:
        self.indices.setdefault(("val", self.current_epoch), []).extend(batch["index"].tolist())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


@pytest.mark.filterwarnings("ignore")
def test_a_trainer_sees_another_order_in_every_epoch(drawn: AvatarsDataModule) -> None:
    seen = Seen()
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = pl.Trainer(max_epochs=2, accelerator="cpu", enable_model_summary=False, num_sanity_val_steps=0, **quiet)  # type: ignore[arg-type]
    trainer.fit(seen, datamodule=data(drawn.directory).for_lightning())
    first, second = seen.indices["train", 0], seen.indices["train", 1]
    assert sorted(first) == sorted(second) == list(range(24))
    assert first != second
    assert seen.indices["val", 0] == seen.indices["val", 1] == list(range(8))


def test_what_a_trainer_is_given_says_what_the_data_set_says(drawn: AvatarsDataModule) -> None:
    given: Any = drawn.for_lightning()
    names = [name for name in vars(drawn) if name != "trainer"]
    assert "name" in names
    assert all(getattr(given, name) is getattr(drawn, name) for name in names)


def test_a_split_is_the_same_whatever_the_other_splits_are(tmp_path: Path) -> None:
    assert draw_avatar(0, "test", 3, 1) == data(tmp_path, train_size=100).factors(3)
