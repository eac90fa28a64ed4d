"""What data are is what is in them: never where they lie, what they are called or when they were written."""

import errno
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from datamodules.console import say
from datamodules.contents import NOTHING, contents
from datamodules.folder import FolderDataModule
from datamodules.parquet import Parquet
from datamodules.sources import Directory, Zip

NAMES = ["a.png", "deep/b.png", "c.png", "d.png"]
ROWS = ["a.png,1,train", "deep/b.png,0,train", "c.png,1,val", "d.png,0,test"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "faces"
    (root / "deep").mkdir(parents=True)
    for i, name in enumerate(NAMES):
        Image.fromarray(np.full((20, 20, 3), 10 * i, np.uint8)).save(root / name)
    (root / "labels.csv").write_text("\n".join(["file,Smiling,split", *ROWS]))
    return root


def data(root: Path, **settings: Any) -> FolderDataModule:
    defaults: dict[str, Any] = {"resolution": 16, "batch_size": 2, "workers": 1, "store": str(root.parent / "store")}
    return FolderDataModule(str(root), **{**defaults, **settings})


def renamed(root: Path) -> Path:
    return root.rename(root.with_name("elsewhere"))


def copied(root: Path) -> Path:
    return Path(shutil.copytree(root, root.with_name("copy"), copy_function=shutil.copy))  # new times


def copied_with_times(root: Path) -> Path:
    return Path(shutil.copytree(root, root.with_name("copy"), copy_function=shutil.copy2))  # as rsync -a does


def touched(root: Path) -> Path:
    for name in (*NAMES, "labels.csv"):
        os.utime(root / name, (1, 1))
    return root


def linked(root: Path) -> Path:
    root.with_name("link").symlink_to(root)
    return root.with_name("link")


def image_renamed(root: Path) -> Path:
    (root / "a.png").rename(root / "anna.png")
    (root / "labels.csv").write_text((root / "labels.csv").read_text().replace("a.png", "anna.png"))
    return root


def other_words(root: Path) -> Path:
    """The same labels, written otherwise, and a column that nobody asked for."""
    text = (root / "labels.csv").read_text().replace(",0,", ",false,").replace("\n", ";20-29\n").replace(",", ";")
    (root / "labels.csv").write_text(f"{text};30-39".replace("split;20-29", "Split;age_group"))
    return root


@pytest.mark.parametrize("change", [renamed, copied, copied_with_times, touched, linked, image_renamed, other_words])
def test_the_same_content_is_the_same_data_and_not_decoded_again(
    change: Callable[[Path], Path], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = data(root)
    before.prepare_data()
    fingerprint = before.fingerprint
    monkeypatch.setattr("datamodules.pictures.run_jobs", None)
    after = data(change(root))
    after.prepare_data()
    assert after.fingerprint == fingerprint


def one_byte(root: Path) -> None:
    """Of the same size and, as far as that can be set, time: only the file's inode knows."""
    file = root / "c.png"
    times, image = file.stat(), bytearray(file.read_bytes())
    image[-20] ^= 1
    file.write_bytes(bytes(image))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def one_label(root: Path) -> None:
    (root / "labels.csv").write_text((root / "labels.csv").read_text().replace("c.png,1", "c.png,0"))


def one_split(root: Path) -> None:
    (root / "labels.csv").write_text((root / "labels.csv").read_text().replace("b.png,0,train", "b.png,0,val"))


def one_name(root: Path) -> None:
    (root / "labels.csv").write_text((root / "labels.csv").read_text().replace("Smiling", "Laughing"))


def two_swapped(root: Path) -> None:
    (root / "c.png").rename(root / "e.png")
    (root / "d.png").rename(root / "c.png")
    (root / "e.png").rename(root / "d.png")


@pytest.mark.parametrize("change", [one_byte, one_label, one_split, one_name, two_swapped])
def test_other_content_is_other_data(change: Callable[[Path], None], root: Path) -> None:
    before = data(root).fingerprint
    change(root)
    assert data(root).fingerprint != before


@pytest.mark.parametrize("settings", [{"resolution": 24}, {"crop": "none"}, {"limit": 1}])
def test_what_decides_a_pixel_or_a_split_is_part_of_the_fingerprint(settings: dict[str, Any], root: Path) -> None:
    assert data(root, **settings).fingerprint != data(root).fingerprint


def test_what_decides_neither_is_not(root: Path) -> None:
    settings = {"batch_size": 4, "order_seed": 3, "flip": True, "residency": "mmap", "attributes": ["Smiling"]}
    elsewhere = {"store": str(root.parent / "other"), "limit": 2, "on_missing": "skip", "on_corrupt": "skip"}
    assert data(root, **settings, **elsewhere).fingerprint == data(root).fingerprint


def test_a_zip_holds_the_same_as_a_directory_and_is_not_unpacked_for_it(root: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for name in NAMES:
            archive.write(root / name, Path(name).name)
    names = [Path(name).name for name in NAMES]
    packed = Zip(str(tmp_path / "faces.zip"))
    packed.read = None  # type: ignore[method-assign,assignment]
    found = contents(packed, names, tmp_path / "memory")
    assert np.array_equal(found, contents(Directory(str(root)), NAMES, tmp_path / "memory"))


def test_what_a_zip_says_is_too_large_is_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        archive.writestr("a.png", b"")
    bomb = Zip(str(tmp_path / "faces.zip"))
    bomb.entries["a.png"].file_size = 2**33  # more than a word of 64 bits has room for, beside a checksum
    assert contents(bomb, ["a.png"], tmp_path / "memory").tolist() == [NOTHING[0] << 32]


@pytest.mark.parametrize("kind", [Directory, Parquet])
def test_an_image_that_a_disk_refuses_is_named(
    kind: type[Directory] | type[Parquet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> bytes:
        raise OSError(errno.EIO, "Input/output error")  # as reading an open file does: no name

    monkeypatch.setattr(kind, "read", fail)
    with pytest.raises(ValueError, match=rf"^{tmp_path}/0/1 can't be read \(Input/output error\)"):
        contents(kind(str(tmp_path)), ["0/1"], tmp_path / "memory")


def test_images_are_read_once_and_again_where_anything_may_have_changed(root: Path, tmp_path: Path) -> None:
    read: list[str] = []

    class Watched(Directory):
        def read(self, name: str) -> bytes:
            read.append(name)
            return super().read(name)

    def found() -> list[int]:
        return contents(Watched(str(root)), NAMES, tmp_path / "memory").tolist()

    first = found()
    assert len(set(first)) == len(NAMES)
    assert sorted(read) == sorted(NAMES)
    assert found() == first
    assert len(read) == len(NAMES)
    (root / "a.png").touch()
    assert found() == first
    assert len(read) == 2 * len(NAMES)
    for file in (tmp_path / "memory").iterdir():
        whole = file.read_bytes()
        for damage in (b"cut", b"PK\x03\x04", whole.replace(b")", b" "), whole.replace(b"<i8", b"<f8"), whole[:-1]):
            file.write_bytes(damage)
            assert found() == first


def test_a_place_that_can_not_be_written_to_costs_only_time(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = [contents(Directory(str(root)), NAMES, tmp_path / "file" / "memory") for _ in range(2)]
    assert np.array_equal(*found)


def test_a_copy_of_a_test_image_among_the_training_images_is_said(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data(root).prepare_data()
    assert "byte for byte" not in capfd.readouterr().err
    shutil.copy(root / "d.png", root / "deep" / "b.png")
    data(root).prepare_data()
    said = " ".join(capfd.readouterr().err.split())
    assert "folder: 1 images of test are in train too, byte for byte; the first is d.png" in said


def test_a_name_from_elsewhere_is_one_line_on_any_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\nb\x1b[31mc [red]é")
    assert capsys.readouterr().err == "a\\nb\\x1b[31mc [red]é\n"
    say("x" * 100_000)
    assert len(capsys.readouterr().err) < 2_100
