"""The user's own images: splits, labels, and lines that can't be used."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from datamodules.folder import FolderDataModule
from datamodules.splits import hashed_split

HEADER = ["file", "Smiling", "Hat", "split"]


def image(file: Path, value: int, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value, value)).convert(mode).save(file)


def table(root: Path, rows: list[list[Any]], header: list[str] | None = None) -> None:
    root.mkdir(exist_ok=True)
    with (root / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header or HEADER, *rows])


def data(root: Path, **settings: Any) -> FolderDataModule:
    defaults: dict[str, Any] = {"resolution": 16, "batch_size": 2, "workers": 1, "store": str(root.parent / "store")}
    return FolderDataModule(root=str(root), **{**defaults, **settings})


def test_images_labels_and_splits_are_those_of_the_csv(tmp_path: Path) -> None:
    root = tmp_path / "mine"
    rows = [["a.png", "1", "", "train"], ["deep/b.jpg", "0", "true", "valid"], ["c.webp", "0", "false", "test"]]
    table(root, rows)
    for value, row in zip((50, 100, 150), rows, strict=True):
        image(root / row[0], value, mode="L" if value == 50 else "RGB")
    mine = data(root)
    assert mine.attribute_names == ("Smiling", "Hat")
    mine.prepare_data()
    for split, value, labels in (("train", 50, [1, np.nan]), ("val", 100, [0, 1]), ("test", 150, [0, 0])):
        images, found = mine.tensors(split)
        assert images.shape == (1, 3, 16, 16)
        assert (images.int() - value).abs().max() <= 2
        assert np.array_equal(found.numpy(), [labels], equal_nan=True)


def test_files_without_a_split_are_dealt_by_their_path(tmp_path: Path) -> None:
    names = [f"{i}.png" for i in range(300)]
    splits = {name: hashed_split(name, 0) for name in names}
    counts = [list(splits.values()).count(split) for split in ("train", "val", "test")]
    assert sum(counts) == 300
    assert counts[0] > 200
    assert min(counts) > 15
    root = tmp_path / "mine"
    table(root, [[name, "1"] for name in names], ["file", "Smiling"])
    first = {name for name, _ in data(root).labels.splits["train"]}
    assert first == {name for name in names if splits[name] == "train"}
    table(root, [[name, "1"] for name in ["new.png", *names]], ["file", "Smiling"])
    assert {name for name, _ in data(root).labels.splits["train"]} - {"new.png"} == first
    assert {name for name, _ in data(root, split_seed=1).labels.splits["train"]} != first


def test_a_changed_image_or_label_changes_the_fingerprint(tmp_path: Path) -> None:
    root = tmp_path / "mine"
    rows = [[f"{split}.png", "1", "0", split] for split in ("train", "val", "test")]
    table(root, rows)
    for row in rows:
        image(root / row[0], 10)
    before = data(root).fingerprint
    assert data(root).fingerprint == before
    image(root / "val.png", 10, size=(41, 30))
    changed = data(root).fingerprint
    table(root, [[*row[:1], "0", *row[2:]] for row in rows])
    assert len({before, changed, data(root).fingerprint}) == 3


@pytest.mark.parametrize(
    ("rows", "header", "said"),
    [
        ([["a.png", "2", "0", "train"]], HEADER, "labels.csv, line 2: Smiling='2' is not a label"),
        ([["../a.png", "1", "0", "train"]], HEADER, "leads out of it: refused"),
        ([["/etc/a.png", "1", "0", "train"]], HEADER, "leads out of it: refused"),
        ([["a.png", "1", "0", "training"]], HEADER, "split 'training' is none of train, val, test"),
        ([["a.png", "1", "0", "train"], ["a.png", "1", "0", "val"]], HEADER, "line 3: a.png is listed twice"),
        ([["", "1", "0", "train"]], HEADER, "line 2: no path"),
        ([["a.png", "1"]], HEADER, "line 2: 2 columns, and 4 in the header"),
        ([["a.png", "train"]], ["file", "split"], "no column of labels"),
        ([], HEADER, "no lines below it"),
        ([["a.png", "1", "0", "train", ""]], [*HEADER, ""], "a column without a name: is there a comma"),
        ([["a.png", "1", "0", "train"]], ["file", "Hat", "Hat", "split"], "two columns named 'Hat'"),
        ([["a.png", "1", "0", "train"]], HEADER, "the val split is empty"),
        (
            [[f"{split}.png", "1", "0", split] for split in ("train", "val", "test")],
            HEADER,
            "lists train.png, but .* has no such file",
        ),
    ],
)
def test_a_table_that_can_not_be_used(rows: list[list[str]], header: list[str], said: str, tmp_path: Path) -> None:
    root = tmp_path / "mine"
    table(root, rows, header)
    image(root / "a.png", 10)
    with pytest.raises(ValueError, match=said) as raised:
        data(root, attributes=["Smiling"] if "Smiling" in said else None).prepare_data()
    assert "\n" not in str(raised.value)


def test_other_names_for_the_same_labels_are_other_data(tmp_path: Path) -> None:
    root = tmp_path / "mine"
    rows = [[f"{split}.png", "1", "0", split] for split in ("train", "val", "test")]
    for row in rows:
        image(root / row[0], 10)
    table(root, rows)
    before = data(root).fingerprint
    table(root, rows, ["file", "Hat", "Smiling", "split"])
    assert data(root).fingerprint != before


def test_the_csv_may_lie_where_the_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [[f"{split}.png", "1", "0", split] for split in ("train", "val", "test")]
    for row in rows:
        image(tmp_path / "mine" / row[0], 10)
    table(tmp_path / "here", rows)
    monkeypatch.chdir(tmp_path / "here")
    assert len(data(tmp_path / "mine").tensors("train")[0]) == 1


def test_a_missing_directory_or_attribute_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"data.root=None is not a directory"):
        FolderDataModule()
    with pytest.raises(ValueError, match=r"labels.csv is missing"):
        data(tmp_path)
    table(tmp_path / "mine", [["a.png", "1", "0", "train"]])
    with pytest.raises(ValueError, match="no attribute 'Smilng'; nearest: Smiling"):
        data(tmp_path / "mine", attributes=["Smilng"])


def test_unknown_labels_train_and_are_masked(tmp_path: Path) -> None:
    """An attribute that is empty in every second line: NaN in the batch, wherever it goes from there."""
    root = tmp_path / "mine"
    rows = [[f"{i}.png", "1" if i % 2 else "", "0", "train"] for i in range(8)]
    rows += [["v.png", "1", "0", "val"], ["t.png", "1", "0", "test"]]
    table(root, rows)
    for row in rows:
        image(root / row[0], 10)
    batch = next(iter(data(root, batch_size=8).loader("train")))
    unknown = batch["attributes"][:, 0].isnan()
    assert torch.equal(unknown, batch["index"] % 2 == 0)
