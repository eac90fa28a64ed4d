"""The models that come with Facet: all there, small, with their cards, and able to edit faces that they never saw."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch import Tensor

import facet
from datamodules.avatars import AvatarsDataModule
from facet import demo, edit, packaged
from facet.configuration import check, compose_config
from facet.demonstration.columns import columns_of
from facet.editing.editor import PictureEditor
from facet.editing.examples import SHEET, read_sheet
from facet.errors import UserError
from facet.measures.edits import edited

FACES = [name for name in packaged.names() if name.startswith("avatars")]
DRAWN = 128
BOUNDS = {"avatars-ten": (0.93, 0.7), "avatars-jacsup": (0.94, 0.75), "avatars-best": (0.93, 0.85)}
"""For each model, the share of edits that must succeed: the mean over attributes and directions, and each of them."""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> AvatarsDataModule:
    """Faces of a seed that no model was trained on."""
    root = str(tmp_path_factory.mktemp("faces"))
    data = AvatarsDataModule(32, None, 1, 1, DRAWN, seed=1, root=root, workers=1)
    data.prepare_data()
    return data


def test_the_four_are_there_and_small() -> None:
    assert packaged.names() == ("avatars-best", "avatars-jacsup", "avatars-ten", "mnist-best")
    assert sum(path.stat().st_size for path in packaged.MODELS.rglob("*") if path.is_file()) <= 5e6


@pytest.mark.parametrize("name", packaged.names())
def test_each_has_a_card_and_holds_what_edits_alone(name: str) -> None:
    card = (packaged.folder(name) / "README.md").read_text("utf-8")
    for said in (
        "## Numbers",
        "n = " if name in FACES else "| n |",
        "## Data and licence",
        "## Limits",
        "facet-train ",
    ):
        assert said in card
    with safe_open(packaged.folder(name) / packaged.WEIGHTS, "pt") as file:
        known = json.loads(file.metadata()["facet"])
        kept = {tensor.split(".")[0] for tensor in file.keys()}  # noqa: SIM118 - it has no iterator
        kinds = {file.get_tensor(tensor).dtype for tensor in file.keys()}  # noqa: SIM118
    assert not kept & {"discriminator", "auxiliary", "teacher"}
    assert kinds <= {torch.float16, torch.int64}
    assert known["left_out"]


@pytest.mark.parametrize("name", FACES)
def test_edits_of_unseen_faces_are_read_by_the_judge(name: str, drawn: AvatarsDataModule) -> None:
    editor = facet.load(name)
    assert editor.judge is not None
    assert editor.name == name
    images = drawn.tensors("test")[0].float() / 255
    labels = drawn.labels_of("test", editor.attributes)
    predicted, nuisance = editor.model.encode(images)
    mean, least = BOUNDS[name]
    rates = []
    for j, attribute in enumerate(editor.attributes):
        for value in (False, True):
            there = labels[:, j] != value  # something is to be changed
            changed = edited(editor.model, drawn, predicted[there], nuisance[there], j, value)
            read = editor.judge.read(changed)[:, editor.judge.attribute_names.index(attribute)]
            rates.append(float((read == value).float().mean()))
            assert rates[-1] >= least, (attribute, value, len(read))
    assert np.mean(rates) >= mean


def psnr(one: Tensor, other: Tensor) -> float:
    return float(-10 * (one - other).square().mean().log10())


@pytest.mark.parametrize("name", FACES)
def test_reconstructions_are_of_the_same_face(name: str, drawn: AvatarsDataModule) -> None:
    editor = facet.load(name)
    images = drawn.tensors("test")[0].float() / 255
    drawn_again = editor.model.decode(*editor.model.encode(images))
    assert psnr(drawn_again, images) > 22
    distances = torch.cdist(drawn_again.flatten(1), images.flatten(1))
    assert (distances.argmin(1) == torch.arange(DRAWN)).float().mean() > 0.98, "of all faces, nearest to its own"


def examples(editor: PictureEditor) -> Tensor:
    found = read_sheet(packaged.MODELS / editor.data / SHEET, editor.resolution, editor.channels)
    assert found is not None
    return found.float() / 255


def test_digits_stay_digits_and_the_first_two_units_change_them() -> None:
    editor = facet.load("mnist-best")
    assert editor.judge is not None
    images = examples(editor)
    codes = editor.model.codes(images)
    as_they_are = editor.judge.classify(images)
    assert len(as_they_are.unique()) >= 5
    assert (editor.judge.classify(editor.model.decode_codes(codes)) == as_they_are).float().mean() >= 0.9
    swapped = torch.cat([codes.roll(1, 0)[:, :2], codes[:, 2:]], 1)
    assert (editor.judge.classify(editor.model.decode_codes(swapped)) != as_they_are).any()


def test_a_name_that_there_is_not_lists_those_that_there_are() -> None:
    with pytest.raises(UserError, match=r"model=avatar: .*avatars-best, avatars-jacsup, avatars-ten, mnist-best"):
        packaged.folder("avatar")
    with pytest.raises(UserError, match=r"avatar is no model: .*avatars-best, avatars-jacsup, avatars-ten, mnist-best"):
        facet.load("avatar")


def test_what_is_on_the_disk_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert facet.load("avatars-ten").attributes
    Path("avatars-ten").mkdir()
    with pytest.raises(UserError, match="avatars-ten is no model"):
        facet.load("avatars-ten")


def call(patch: pytest.MonkeyPatch, *arguments: str) -> int:
    patch.setattr(sys, "argv", ["facet-edit", *arguments])
    with pytest.raises(SystemExit) as stopped:
        edit.main()
    return int(stopped.value.code or 0)


def test_facet_edit_needs_neither_a_training_nor_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, "model=avatars-ten", "set.Eyeglasses=1") == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("Eyeglasses"))
    assert line.endswith("done")
    assert Image.open("edited/example/edited.png").size == (32, 32)
    assert call(monkeypatch, "model=avatars-ten", "image=edited/example/edited.png", "set.Smiling=1") == 0
    assert Path("edited/edited/edited.png").is_file()
    assert call(monkeypatch, "model=avatars-ten", "run=runs/a", "set.Smiling=1") == 2
    assert "run= or model=, not both" in capsys.readouterr().err
    assert call(monkeypatch, "model=mnist-best", "set.Smiling=1") == 2
    assert "model=mnist-best: this model has no named attributes" in capsys.readouterr().err


def test_the_demos_columns_have_sliders_examples_and_readings() -> None:
    shown: Any = columns_of([str(packaged.folder(name)) for name in ("avatars-best", "mnist-best")])
    for column in shown:
        assert len(column.examples) == 12
        taken = column.take(column.examples[0], ready=True)
        assert taken.read
        assert len(column.controls) == len(taken.values)
    faces, digits = shown
    assert faces.command({"Smiling": 1.0}, "me.png", True) == "facet-edit model=avatars-best image=me.png set.Smiling=1"
    assert sum(digits.take(digits.examples[0], ready=True).read.values()) == pytest.approx(1, abs=1e-4), "classes"


@pytest.mark.parametrize("said", ["avatars-ten", "[avatars-ten,avatars-best]", "[ avatars-ten, 'avatars-best']"])
def test_the_demo_is_told_of_one_or_several(said: str) -> None:
    config = compose_config("demo", packaged.as_runs([f"model={said}"]))
    check(config, "demo")
    names = [Path(source).name for source in demo.sources_of(config)]
    assert names == ["avatars-ten", "avatars-best"][: len(names)]
    assert len(names) == 1 + said.count(",")
    assert all(packaged.is_own(source) for source in demo.sources_of(config))
