"""``facet-edit`` as a user meets it: what it writes and prints, and one line for each mistake."""

from __future__ import annotations

import json
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import cbook
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny import tiny

from facet import edit
from facet.build import judge_of
from facet.editing.editor import picture_of
from facet.editing.readings import Reading, table
from facet.runs import Run
from facet.train import train

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("edit")
    return Run(train(tiny(root, "trainer.max_epochs=1", "attributes=[Smiling,Eyeglasses]")))


@pytest.fixture(scope="module")
def face(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A test face at eight times the model's size, wider than high."""
    data = judge_of(run.config())[2]
    small = picture_of(data.tensors("test")[0][0].float() / 255)
    wide = Image.new("RGB", (160, 128), (1, 2, 3))
    wide.paste(small.resize((128, 128), Image.Resampling.NEAREST), (16, 0))
    path = tmp_path_factory.mktemp("pictures") / "me and you.png"
    wide.save(path)
    return path


def write_changed(run: Run, path: Path, **changes: Any) -> None:
    """The run's weights with another header."""
    own = run.checkpoint.with_name("weights.safetensors")
    with safe_open(own, "pt") as file:
        header = {**json.loads(file.metadata()["facet"]), **changes}
    save_file(load_file(own), path, {"format": "pt", "facet": json.dumps(header)})


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Run the command in an empty directory: its exit code, what it printed, what it said."""
    monkeypatch.chdir(tmp_path)

    def ran(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["facet-edit", *arguments])
        with pytest.raises(SystemExit) as stopped:
            edit.main()
        said = capsys.readouterr()
        return int(stopped.value.code or 0), said.out, said.err

    return ran


def test_a_picture_is_edited_in_place_and_read(call: Call, run: Run, face: Path, tmp_path: Path) -> None:
    code, out, said = call(f"run={run.path}", f"image={face}", "set.Smiling=1", "set.Eyeglasses=-.5", "paste=picture")
    assert code == 0, said
    made = tmp_path / "edited" / "me and you"
    assert {file.name for file in made.iterdir()} == {
        *("edited.png", "before-after.png", "strip-Smiling.png", "strip-Eyeglasses.png", "edit.webp"),
    }
    with Image.open(face) as before, Image.open(made / "edited.png") as after:
        assert after.size == before.size
        changed = (np.asarray(before) != np.asarray(after)).any(2)
    assert changed[40:90, 60:100].any()
    with Image.open(made / "strip-Smiling.png") as strip:
        assert strip.size == (9 * 256, 256)
    with Image.open(made / "edit.webp") as moving:
        assert 2 <= moving.n_frames <= 24, "equal pictures in a row are one"
    first, head, smile, glasses, *others = out.splitlines()
    assert first.endswith("me and you.png; the model draws 16×16 pixels, enlarged to 160×160")
    assert head.split() == ["set", "to", "picture", "unedited", "edited"]
    assert smile.split()[:2] == ["Smiling", "1"]
    assert glasses.split()[:2] == ["Eyeglasses", "-0.5"]
    assert len(others) > 8, "every attribute that the judge knows"


def test_a_folder_goes_on_past_what_is_no_picture(call: Call, run: Run, face: Path, tmp_path: Path) -> None:
    folder = tmp_path / "some faces"
    folder.mkdir()
    for name in ("a.png", "c.png"):
        (folder / name).write_bytes(face.read_bytes())
    (folder / "b.jpg").write_bytes(b"")
    (folder / "notes.txt").write_text("no picture")
    code, _, said = call(f"run={run.path}", f"image={folder}", "set.Smiling=1", "out=there")
    assert code == 2
    assert {place.name for place in (tmp_path / "there").iterdir()} == {"a", "c"}
    assert "b.jpg can't be opened: it is empty (0 bytes)" in " ".join(said.split())
    assert "1 of 3 pictures could not be edited" in said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "say what to edit, and with which model"),
        (["image={face}"], "say what to edit, and with which model"),
        (
            ["run={run}", "image={face}"],
            "say what to change, as in set.Smiling=1; this model edits Smiling, Eyeglasses",
        ),
        (["run={run}", "image={face}", "set.Smilling=1"], "set.Smilling: this model doesn't edit it; nearest: Smiling"),
        (["run={run}", "image={face}", "set.Smiling=very"], "set"),
        (["run={run}", "image=nowhere.png", "set.Smiling=1"], "image=nowhere.png: there is no such file or folder"),
        (["run=nowhere/at/all", "image={face}", "set.Smiling=1"], "nowhere/at/all is no model"),
        (["run={run}", "image={face}", "set.Smiling=1", "align=[1,2,3]"], "align: 3 numbers: give ten"),
        (["run={run}", "image={face}", "set.Smiling=1", "face=0"], "face"),
        (["run={run}", "image={face}", "set.Smiling=1", "paste=over"], "'over' should be 'change' or 'picture'"),
        (["run={run}", "image={face}", "set.Smiling=1", "out=/proc/nowhere"], "out=/proc/nowhere: it can't be written"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], told: str, call: Call, run: Run, face: Path) -> None:
    said = [word.format(run=run.path, face=face) for word in arguments]
    code, _, message = call(*said)
    assert code == 2
    assert told in message
    assert len(message.strip().splitlines()) == 1
    assert not Path("edited").exists()


BAD = {
    "text": "it is text ('hello')",
    "empty": "it is empty (0 bytes)",
    "zeros": "nothing but zero bytes",
    "cut": "truncated",
    "huge": "more than 67,108,864 pixels",
    "moving": "it holds 2 pictures, as an animation does",
}


def write_bad(kind: str, file: Path) -> None:
    """A file that can't be edited."""
    match kind:
        case "text":
            file.write_text("hello")
        case "empty":
            file.write_bytes(b"")
        case "zeros":
            file.write_bytes(bytes(100))
        case "cut":
            Image.new("RGB", (64, 64), "red").save(file)
            file.write_bytes(file.read_bytes()[:90])
        case "huge":
            Image.new("1", (8, 8)).save(file)
            content = bytearray(file.read_bytes())
            content[16:24] = struct.pack(">II", 50_000, 50_000)
            content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
            file.write_bytes(content)
        case "moving":
            first, second = (Image.new("RGB", (16, 16), colour) for colour in ("red", "blue"))
            first.save(file, format="GIF", save_all=True, append_images=[second])


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_picture_is_one_line(kind: str, call: Call, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    write_bad(kind, file)
    code, _, said = call(f"run={run.path}", f"image={file}", "set.Smiling=1")
    assert code == 2
    assert BAD[kind] in " ".join(said.split())
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize("kind", ["CMYK", "sixteen", "turned", "transparent", "grey"])
def test_unusual_pictures_are_edited(kind: str, call: Call, run: Run, face: Path, tmp_path: Path) -> None:
    """As what they show: the right way up, in the right colours."""
    with Image.open(face) as opened:
        upright = opened.convert("RGB")
    path = tmp_path / {"CMYK": "a.jpg", "turned": "a.jpg"}.get(kind, "a.png")
    match kind:
        case "CMYK":
            upright.convert("CMYK").save(path, quality=95)
        case "sixteen":
            Image.fromarray(np.asarray(upright.convert("L")).astype(np.uint16) * 257).save(path)
        case "turned":
            exif = Image.Exif()
            exif[0x0112] = 6  # to be turned by 90° clockwise
            upright.rotate(90, expand=True).save(path, exif=exif, quality=95)
        case "transparent":
            upright.putalpha(255)
            upright.save(path)
        case "grey":
            upright.convert("L").save(path)
    code, _, said = call(f"run={run.path}", f"image={path}", "set.Smiling=1")
    assert code == 0, said
    with Image.open(tmp_path / "edited" / "a" / "edited.png") as edited:
        assert edited.size == upright.size
        expected = upright.convert("L").convert("RGB") if kind in ("sixteen", "grey") else upright.convert("RGB")
        edge = np.abs(np.asarray(edited.convert("RGB"))[:, :4].astype(int) - np.asarray(expected)[:, :4])
    assert edge.mean() < 6, "where nothing is edited"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 99}, "has format 99; this version reads 1"),
        ({"state": {"encoder.of_another_version": 1}}, "is of another version of Facet"),
        ({"model": {"_target_": "aif.ifcvae_gan.IFcVAEGANs"}}, "aif.ifcvae_gan.IFcVAEGANs can't be imported"),
    ],
)
def test_a_model_of_another_version_is_one_line(
    change: dict[str, Any], told: str, call: Call, run: Run, face: Path, tmp_path: Path
) -> None:
    write_changed(run, tmp_path / "weights.safetensors", **change)
    code, _, said = call("run=weights.safetensors", f"image={face}", "set.Smiling=1")
    assert (code, said.count("\n")) == (2, 1), said
    assert told in said


def test_a_run_without_a_checkpoint_is_one_line(call: Call, run: Run, face: Path, tmp_path: Path) -> None:
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "config.yaml").write_bytes((run.path / "config.yaml").read_bytes())
    code, _, said = call("run=begun", f"image={face}", "set.Smiling=1")
    told = "facet-edit: begun has no checkpoint (status: absent): train it first with facet-train\n"
    assert (code, said) == (2, told)


@pytest.fixture
def photographs(run: Run, tmp_path: Path) -> Path:
    """A model that takes its pictures for photographs; and ``none.png``, ``two.png`` with so many faces."""
    pytest.importorskip("facenet_pytorch")
    with Image.open(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)) as opened:
        portrait = opened.convert("RGB")
    Image.new("RGB", (300, 200), "white").save(tmp_path / "none.png")
    two = Image.new("RGB", (900, 600), "white")
    two.paste(portrait.resize((256, 300)), (0, 0))
    two.paste(portrait, (388, 0))
    two.save(tmp_path / "two.png")
    write_changed(run, tmp_path / "weights.safetensors", data="celeba", crop="aif")
    return tmp_path / "weights.safetensors"


@pytest.mark.whole
def test_photographs_with_no_face_or_several(photographs: Path, call: Call, tmp_path: Path) -> None:
    def edited(*arguments: str) -> tuple[int, str, str]:
        return call(f"run={photographs}", "set.Smiling=1", "paste=picture", *arguments)

    def changed(out: str) -> list[bool]:
        """Whether the left face and the right one are edited."""
        with Image.open(tmp_path / "two.png") as one, Image.open(tmp_path / out / "two" / "edited.png") as other:
            differs = (np.asarray(one) != np.asarray(other)).any(2)
        return [bool(differs[:, :256].any()), bool(differs[:, 388:].any())]

    assert edited("image=none.png")[::2] == (2, "facet-edit: no face is found; align=none edits the central square\n")
    code, _, said = edited("image=two.png", "out=largest")
    assert (code, changed("largest")) == (0, [False, True])
    assert "2 faces are found: the largest is edited; face=2 or face=all edits others" in said
    assert edited("image=two.png", "face=2", "out=second")[0] == 0
    assert changed("second") == [True, False]
    code, printed, _ = edited("image=two.png", "face=all", "out=all")
    assert (code, changed("all")) == (0, [True, True])
    assert "face 2 of 2" in printed
    told = "facet-edit: face=3: only 2 found, counted from the largest\n"
    assert edited("image=two.png", "face=3", "out=third")[::2] == (2, told)


def test_the_table_says_what_changed_that_was_not_asked_for() -> None:
    found = [
        Reading("Smiling", 1.0, 0.1, 0.2, 0.9),
        Reading("Eyeglasses", 0.0, 0.9, 0.8, 0.7),
        Reading("Wearing_Hat", None, 0.1, 0.2, 0.6),
        Reading("Young", None, 0.9, 0.8, 0.6),
    ]
    assert table(found).splitlines() == [
        "             set to  picture  unedited  edited",
        "Smiling           1      10%       20%     90%  done",
        "Eyeglasses        0      90%       80%     70%  not done",
        "Wearing Hat              10%       20%     60%  changed, not asked for",
        "Young                    90%       80%     60%",
    ]
