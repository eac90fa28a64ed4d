"""CelebA in parquet shards that are named otherwise, missing, doubled or damaged."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from celeba_forms import as_parquet
from malformed import in_time
from small_celeba import assert_all_is_read, data, small_celeba

from datamodules import parquet
from datamodules.parquet import Parquet


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return small_celeba(tmp_path / "copy")


def shards_by_folder(root: Path) -> Path:
    shards = as_parquet(root)
    for split in ("train", "valid", "test"):
        (shards / split).mkdir()
        next(shards.glob(f"{split}-*")).rename(shards / split / "0000.parquet")
    return shards


def shards_with_a_hash(root: Path) -> Path:
    shards = as_parquet(root)
    for file in list(shards.iterdir()):
        file.rename(file.with_name(f"{file.stem}-0123456789abcdef.parquet"))
    return shards


@pytest.mark.parametrize("form", [shards_by_folder, shards_with_a_hash])
def test_what_can_not_be_mistaken_is_read(form: Callable[[Path], Path], copy: Path) -> None:
    assert_all_is_read(copy, form)


def numbered(root: Path, *names: str) -> Path:
    """Shards of the split to train, so many times over, under other names; the other splits as they were."""
    shards = as_parquet(root)
    train = next(shards.glob("train-*"))
    train = train.rename(shards / "train.part")
    for name in names:
        shutil.copy(train, shards / f"{name}.parquet")
    return shards


def middle_shard_missing(root: Path) -> Path:
    return numbered(root, "train-00000-of-00003", "train-00002-of-00003")


def last_shard_missing(root: Path) -> Path:
    return numbered(root, "train-00000-of-00003", "train-00001-of-00003")


def two_downloads(root: Path) -> Path:
    return numbered(root, "train-00000-of-00001", "train-00000-of-00002", "train-00001-of-00002")


def one_shard_twice(root: Path) -> Path:
    return numbered(root, "train-00000-of-00001-0123456789abcdef", "train-00000-of-00001-fedcba9876543210")


def one_split_alone(root: Path) -> Path:
    shards = as_parquet(root)
    for split in ("valid", "test"):
        next(shards.glob(f"{split}-*")).unlink()
    return shards


def shards_of_no_split(root: Path) -> Path:
    return numbered(root, "data-00000-of-00001")


def a_gap_in_a_folder(root: Path) -> Path:
    shards = shards_by_folder(root)
    shutil.copy(shards / "train" / "0000.parquet", shards / "train" / "0002.parquet")
    return shards


def cut_shard(root: Path) -> Path:
    shards = as_parquet(root)
    file = next(shards.glob("train-*"))
    file.write_bytes(file.read_bytes()[:-50])
    return shards


def cut_end(root: Path) -> Path:
    """The end says in Thrift what is where; its length and the magic number are right."""
    shards = as_parquet(root)
    file = next(shards.glob("train-*"))
    content = file.read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    file.write_bytes(content[: -8 - length] + b"\xff" * length + content[-8:])
    return shards


def odd_column(root: Path) -> Path:
    """A column whose name is no text."""
    shards = as_parquet(root)
    file = next(shards.glob("train-*"))
    file.write_bytes(file.read_bytes().replace(b"Young", b"\xe3oung"))
    return shards


def html_shard(root: Path) -> Path:
    shards = as_parquet(root)
    next(shards.glob("train-*")).write_text("<!DOCTYPE html><html>sign in</html>")
    return shards


def changed_shard(root: Path, change: Callable[[Any], Any]) -> Path:
    parquet = pytest.importorskip("pyarrow.parquet")
    shards = as_parquet(root)
    file = next(shards.glob("train-*"))
    parquet.write_table(change(parquet.read_table(file)), file)
    return shards


def no_image_column(root: Path) -> Path:
    return changed_shard(root, lambda table: table.rename_columns(["picture", *table.column_names[1:]]))


def no_image_bytes(root: Path) -> Path:
    return changed_shard(root, lambda table: table.set_column(0, "image", [["somewhere/1.jpg"] * len(table)]))


def no_label_in_a_shard(root: Path) -> Path:
    return changed_shard(root, lambda table: table.set_column(32, "Smiling", [[7] * len(table)]))


def labels_of_parts(root: Path) -> Path:
    return changed_shard(root, lambda table: table.set_column(32, "Smiling", [[{"x": 1}] * len(table)]))


REFUSED = {
    labels_of_parts: r"train-00000-of-00001\.parquet, row 0: Smiling={'x': 1} is not a label",
    middle_shard_missing: r"shards has 2 of 3 shards and lacks train-00001-of-00003\.parquet: download it",
    last_shard_missing: r"shards has 2 of 3 shards and lacks train-00002-of-00003\.parquet: download it",
    two_downloads: r"shards has shards of two downloads \(train-00000-of-00001, train-00000-of-00002\)",
    one_shard_twice: r"shards has shards of two downloads \(train-00000-of-00001-0123456789abcdef, train-00000-of-",
    one_split_alone: r"has no shards of val and test \(it has train-00000-of-00001\.parquet …\): download those too",
    shards_of_no_split: r"data-00000-of-00001\.parquet: its name says no split; shards are named train-…",
    a_gap_in_a_folder: r"train has 2 of 3 shards and lacks 0001\.parquet: download it",
    cut_shard: r"train-00000-of-00001\.parquet is not a parquet file, or only a part of one",
    cut_end: r"train-00000-of-00001\.parquet is not a parquet file, or only a part of one \(.*\): download it again",
    odd_column: r"train-00000-of-00001\.parquet is not a parquet file, or only a part of one \(.*\): download it again",
    html_shard: r"train-00000-of-00001\.parquet is an HTML page",
    no_image_column: r"train-00000-of-00001\.parquet has no column 'image'",
    no_image_bytes: r"row 0 of .*train-00000-of-00001\.parquet holds no image bytes in its column 'image'",
    no_label_in_a_shard: r"train-00000-of-00001\.parquet, row 0: Smiling=7 is not a label",
}


@pytest.mark.parametrize(("damage", "said"), REFUSED.items())
def test_what_could_be_mistaken_is_refused_by_name(damage: Callable[[Path], Path], said: str, copy: Path) -> None:
    root = damage(copy)
    with pytest.raises(ValueError, match=said) as raised, in_time():
        data(root).prepare_data()
    assert "\n" not in str(raised.value)


def test_what_is_no_file_or_holds_too_much_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "0000.parquet")
    with pytest.raises(ValueError, match=r"0000\.parquet is no file"), in_time():
        list(Parquet(str(tmp_path)).names())
    (tmp_path / "0000.parquet").unlink()
    pyarrow.parquet.write_table(pyarrow.table({"image": [b"a", b"b"]}), tmp_path / "0000.parquet")
    assert Parquet(str(tmp_path)).read("0/1") == b"b"
    parquet._opened.cache_clear()
    parquet._images.cache_clear()
    monkeypatch.setattr(parquet, "LARGEST_GROUP", 10)
    with pytest.raises(ValueError, match=r"0000\.parquet has a row group of \d+ bytes, and no more than 10 are read"):
        Parquet(str(tmp_path)).read("0/1")
    monkeypatch.setattr(parquet, "MOST_ROWS", 1)
    parquet._opened.cache_clear()
    with pytest.raises(ValueError, match=r"0000\.parquet says that it has 2 rows, and no more than 1 are read"):
        list(Parquet(str(tmp_path)).names())
