"""The object behind ``facet.load``: what it edits, reads and refuses, from a run and from a file alike."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from known_editors import Dots, Perfect, Reader
from made_once import avatars
from omegaconf import OmegaConf
from PIL import Image
from safetensors.torch import save_file
from tiny import ONE_PASS, SIZES, tiny

import facet
from facet.build import judge_of
from facet.configuration import compose_config
from facet.editing.alignment import whole
from facet.editing.editor import PictureEditor, picture_of
from facet.editing.judges import JUDGE, judge_file, read_judge
from facet.editing.photos import EditedFace
from facet.editing.readings import readings
from facet.errors import UserError
from facet.judge import Judge
from facet.runs import Run
from facet.train import train

GREY = Image.new("RGB", (16, 16), (90, 90, 90))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of two hair colours and a smile."""
    root = tmp_path_factory.mktemp("editor")
    names = "attributes=[Smiling,Blond_Hair,Black_Hair]"
    return Run(train(tiny(root, "trainer.max_epochs=1", names)))


@pytest.fixture
def perfect() -> PictureEditor:
    """Attribute A is pixel (0, 0), B is pixel (0, 1); the judge reads them."""
    model = Perfect()
    model.parameters = lambda: iter([torch.zeros(1)])  # type: ignore[attr-defined]
    return PictureEditor(model, 16, judge=Reader())


def test_an_edit_sets_what_is_asked_and_keeps_the_rest(perfect: PictureEditor) -> None:
    assert perfect.attributes == ("A", "B")
    edited = np.asarray(perfect.edit(GREY, A=1, B=0))
    assert edited[0, 0].tolist() == [255] * 3
    assert edited[0, 1].tolist() == [0] * 3
    assert (edited[1:] == 90).all()
    assert perfect.edit(GREY, {"A": 1, "B": 0}) == perfect.edit(GREY, A=1, B=0)
    assert perfect.read(perfect.edit(GREY, A=1, B=0)) == pytest.approx({"A": 0.6225, "B": 0.3775}, abs=1e-3)


def test_a_strip_is_its_edits_side_by_side(perfect: PictureEditor) -> None:
    strip = perfect.strip(GREY, "B", [0, 0.5, 1])
    assert strip.size == (48, 16)
    assert [strip.getpixel((16 * i + 1, 0)) for i in range(3)] == [(0,) * 3, (128,) * 3, (255,) * 3]


def test_a_picture_of_any_kind_is_cut_as_the_data_were(perfect: PictureEditor, tmp_path: Path) -> None:
    wide = Image.new("L", (64, 32), 10)
    wide.paste(200, (16, 0, 48, 32))
    wide.save(tmp_path / "wide.png")
    central = PictureEditor(perfect.model, 16, crop="aif")
    for picture in (wide, wide.convert("RGBA"), tmp_path / "wide.png", str(tmp_path / "wide.png")):
        assert (np.asarray(central.cut(picture))[:, 1:-1] == 200).all()  # the edges are shared with what is beside it
    whole = np.asarray(PictureEditor(perfect.model, 16, channels=1).cut(wide))
    assert whole.shape == (16, 16)
    assert (whole[8, 0], whole[8, 8], whole[0, 8]) == (10, 200, 200)


def test_what_is_not_known_is_one_line(perfect: PictureEditor, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the model doesn't edit 'Smilling'; nearest: A, B"):
        perfect.edit(GREY, Smilling=1)
    with pytest.raises(UserError, match="has no judge"):
        PictureEditor(perfect.model, 16).read(GREY)
    with pytest.raises(UserError, match="nowhere is no model: give a run's directory"):
        facet.load(tmp_path / "nowhere")


def test_a_run_and_its_file_edit_alike(run: Run, tmp_path: Path) -> None:
    of_run = facet.load(run.path)
    assert of_run.attributes == ("Smiling", "Blond_Hair", "Black_Hair")
    assert (of_run.resolution, of_run.channels, of_run.crop, of_run.data) == (16, 3, "none", "avatars")
    shutil.copy(run.path / "checkpoints" / "weights.safetensors", tmp_path)
    judge, _, data = judge_of(run.config())
    (tmp_path / JUDGE).write_bytes(judge_file(judge, 16, 3, classes=False))
    face = picture_of(data.tensors("test")[0][0].float() / 255)
    for source in (tmp_path, str(tmp_path / "weights.safetensors")):
        of_file = facet.load(source)
        assert of_file.edit(face, Smiling=1) == of_run.edit(face, Smiling=1)
        assert of_file.strip(face, "Smiling") == of_run.strip(face, "Smiling")
        assert of_file.read(face) == of_run.read(face)
        assert len(of_file.read(face)) > 10, "of all attributes, not only the model's"
        assert (of_file.name, of_file.crop, of_file.data) == (of_run.name, of_run.crop, of_run.data)
    assert of_run.edit(face, Smiling=3) != of_run.edit(face, Smiling=1)


def test_a_finished_run_edits_and_reads_without_its_data(run: Run, tmp_path: Path) -> None:
    moved = tmp_path / "run"
    shutil.copytree(run.path, moved)
    config = run.config()
    config.data.root = str(tmp_path / "gone")
    OmegaConf.save(config, moved / "config.yaml")
    assert facet.load(moved).read(GREY) == facet.load(run.path).read(GREY)
    assert not (tmp_path / "gone").exists(), "nothing is drawn again"
    (moved / "checkpoints" / JUDGE).unlink()
    (tmp_path / "gone").touch()  # no directory can be made here
    assert facet.load(moved).judge is None
    assert facet.load(moved).edit(GREY, Smiling=1) == facet.load(run.path).edit(GREY, Smiling=1)


def test_classes_are_read_as_shares_of_one(perfect: PictureEditor) -> None:
    torch.manual_seed(0)
    judge, same = (Judge(("0", "1", "2"), 16, 3, 4, classes=classes).eval() for classes in (True, False))
    same.load_state_dict(judge.state_dict())
    shares = replace(perfect, judge=judge).read(GREY)
    assert sum(shares.values()) == pytest.approx(1)
    alone = replace(perfect, judge=same).read(GREY)
    assert list(alone) == list(shares)
    assert sum(alone.values()) != pytest.approx(1, abs=1e-3)


def test_what_excludes_one_another_changes_together(run: Run) -> None:
    editor = facet.load(run.path / "checkpoints")
    attributes, rest = editor.encode(GREY)
    attributes[:] = torch.tensor([[1.0, 0.0, 1.0]])
    blond = torch.tensor([[1.0, 1.0, 0.0]])
    assert editor.decode(attributes, rest, {"Blond_Hair": 1}) == editor.decode(blond, rest)
    both = {"Blond_Hair": 1.0, "Black_Hair": 1.0}
    assert editor.decode(attributes, rest, both) == editor.decode(torch.ones(1, 3), rest), "who asks for both gets both"


def test_a_method_that_predicts_nothing_takes_the_judges_readings_or_labels(tmp_path: Path) -> None:
    where = [ONE_PASS, *SIZES, "networks.width=4", "networks.latent_dim=6", "trainer.max_epochs=1"]
    quiet = ["trainer.precision=32-true", "logger=csv", "callbacks.progress=null", "data.workers=1"]
    where += [f"data.root={avatars()}", f"runs={tmp_path}"]
    path = train(compose_config("train", ["model=cvae_gan", *where, *quiet]))
    editor = facet.load(path)
    face = picture_of(judge_of(Run(path).config())[2].tensors("test")[0][0].float() / 255)
    smiles = editor.read(face)["Smiling"] > 0.5
    assert editor.encode(face)[0].tolist() == [[float(smiles)]]
    assert editor.encode(face, {"Smiling": not smiles})[0].tolist() == [[float(not smiles)]]
    with pytest.raises(UserError, match="predicts no attributes: give the picture's own as labels"):
        replace(editor, judge=None).edit(face, Smiling=1)


def test_files_that_are_no_model(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    file.write_bytes(b"")
    with pytest.raises(UserError, match="can't be read"):
        facet.load(file)
    save_file({"a": torch.zeros(1)}, file)
    with pytest.raises(UserError, match="is no model of Facet"):
        facet.load(file)
    save_file({"a": torch.zeros(1)}, file, {"facet": json.dumps({"format": 99})})
    with pytest.raises(UserError, match="has format 99; this version reads 1"):
        facet.load(file)
    torn = (run.path / "checkpoints" / "weights.safetensors").read_bytes()
    file.write_bytes(torn[: len(torn) // 2])
    with pytest.raises(UserError, match="can't be read"):
        facet.load(file)


def test_a_judge_of_another_kind_is_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / JUDGE, {"facet": json.dumps({"attributes": ["A"], "resolution": 16})})
    with pytest.raises(UserError, match="can't be read"):
        read_judge(tmp_path / JUDGE)


def test_the_known_editor_is_one() -> None:
    images = Dots().tensors("test")[0][:4].float() / 255
    assert torch.equal(Perfect().decode(*Perfect().encode(images)), images)


def test_what_follows_from_an_edit_was_asked_for(run: Run) -> None:
    """Blond hair isn't black: that it goes is no mistake."""
    editor = replace(facet.load(run.path), follows={"Blond_Hair": ({}, {"Black_Hair": False})})
    face = EditedFace(whole((16, 16)), GREY, GREY, GREY)
    asked = {each.name: each.asked for each in readings(editor, face, {"Blond_Hair": 1.0})}
    assert (asked["Blond_Hair"], asked["Black_Hair"], asked["Smiling"]) == (1, 0, None)
