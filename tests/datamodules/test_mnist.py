"""Digits: the four files in their forms, and damaged ones."""

import gzip
import os
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from datamodules.mnist import MNISTDataModule, read_idx

FILES = {"train": 60, "t10k": 20}


def write(root: Path, zipped: bool = False) -> dict[str, np.ndarray]:
    root.mkdir(parents=True, exist_ok=True)
    written = {}
    for i, (name, size) in enumerate(FILES.items()):
        rng = np.random.default_rng(i)
        written[name] = images = rng.integers(0, 256, (size, 28, 28), dtype=np.uint8)
        labels = np.arange(size, dtype=np.uint8) % 10
        for kind, values in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)):
            content = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()
            file = root / f"{name}-{kind}{'.gz' if zipped else ''}"
            file.write_bytes(gzip.compress(content, mtime=0) if zipped else content)
    return written


def data(root: Path, **settings: Any) -> MNISTDataModule:
    defaults: dict[str, Any] = {
        "val_size": 10,
        "batch_size": 10,
        "store": str(root.parent / "store"),
        "download": False,
    }
    return MNISTDataModule(str(root), **{**defaults, **settings})


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("below", ["", "MNIST/raw"])
def test_digits_and_classes_are_those_of_the_files(zipped: bool, below: str, tmp_path: Path) -> None:
    written = write(tmp_path / "mnist" / below, zipped)
    digits = data(tmp_path / "mnist")
    for split, images in (("train", written["train"][:50]), ("val", written["train"][50:]), ("test", written["t10k"])):
        assert np.array_equal(digits.tensors(split)[0].numpy()[:, 0], images)
    batch = next(iter(digits.loader("val")))
    assert batch["label"].tolist() == list(range(10))
    assert batch["attributes"].shape == (10, 0)
    assert batch["image"].shape == (10, 1, 28, 28)


def test_gzipped_digits_are_the_same_data(tmp_path: Path) -> None:
    for zipped in (False, True):
        write(tmp_path / str(zipped), zipped)
    assert data(tmp_path / "True").fingerprint == data(tmp_path / "False").fingerprint


def test_the_fingerprint_is_of_the_digits_not_of_when_they_were_copied(tmp_path: Path) -> None:
    write(tmp_path / "one" / "mnist")
    before = data(tmp_path / "one" / "mnist").fingerprint
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "mnist").rename(tmp_path / "two" / "mnist")
    for file in (tmp_path / "two" / "mnist").iterdir():
        os.utime(file, (1, 1))
    assert data(tmp_path / "two" / "mnist").fingerprint == before
    images = next((tmp_path / "two" / "mnist").glob("train-images*"))
    content = bytearray(images.read_bytes())
    content[-1] ^= 1
    images.write_bytes(content)
    assert data(tmp_path / "two" / "mnist").fingerprint != before


def test_padding_adds_background_only(tmp_path: Path) -> None:
    written = write(tmp_path / "mnist")
    padded = data(tmp_path / "mnist", pad=True)
    images = padded.tensors("test")[0].numpy()[:, 0]
    assert images.shape == (20, 32, 32)
    assert np.array_equal(images[:, 2:-2, 2:-2], written["t10k"])
    assert images.sum() == written["t10k"].sum(dtype=np.int64)
    assert padded.resolution == 32


def test_the_real_digits_where_they_are() -> None:
    root = Path(__file__).parents[3] / "shared" / "data" / "mnist"
    if not root.is_dir():
        pytest.skip("../shared/data/mnist is not beside this checkout; its format is tested on drawn digits")
    labels = read_idx(root / "t10k-labels-idx1-ubyte.gz")
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert read_idx(root / "t10k-images-idx3-ubyte.gz").shape == (10_000, 28, 28)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>moved</html>", "is an HTML page"),
        (b"PNG nonsense", "not one of MNIST's files"),
        (bytes([0, 0, 8, 1]) + struct.pack(">I", 20) + b"123", "ends early"),
        (gzip.compress(b"whole", mtime=0)[:10], "is damaged"),
        (b"", "not one of MNIST's files"),
        (bytes([0, 0, 8, 1]) + struct.pack(">I", 2) + b"123", "holds more than it says"),
        (gzip.compress(bytes([0, 0, 8, 1]) + struct.pack(">I", 2) + bytes(2**24), mtime=0), "holds more than it says"),
        (
            gzip.compress(bytes([0, 0, 8, 2]) + struct.pack(">II", 2**31, 2**31), mtime=0),
            "says that it holds 4,611,686,018,427",
        ),
        (gzip.compress(bytes([0, 0, 8, 1]) + struct.pack(">I", 2) + b"12", mtime=0)[:-5] + b"12345", "is damaged"),
    ],
)
def test_damaged_files_are_told(content: bytes, said: str, tmp_path: Path) -> None:
    write(tmp_path / "mnist")
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte").write_bytes(content)
    with pytest.raises(ValueError, match=said) as raised:
        data(tmp_path / "mnist").prepare_data()
    assert "\n" not in str(raised.value)


def test_no_more_is_unpacked_than_a_file_says(tmp_path: Path) -> None:
    file = tmp_path / "labels.gz"
    file.write_bytes(gzip.compress(bytes([0, 0, 8, 1]) + struct.pack(">I", 2) + bytes(2**25), mtime=0))
    tracemalloc.start()
    with pytest.raises(ValueError, match="holds more"):
        read_idx(file)
    assert tracemalloc.get_traced_memory()[1] < 2**21
    tracemalloc.stop()


def test_missing_files_and_failed_downloads_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"has no train-labels-idx1-ubyte or .*data.root"):
        data(tmp_path / "mnist").prepare_data()

    def offline(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no\nroute to host")

    monkeypatch.setattr("torchvision.datasets.MNIST", offline)
    with pytest.raises(ValueError, match=r"could not download MNIST .*no route to host.*data.root"):
        data(tmp_path / "mnist", download=True).prepare_data()


def test_a_digit_has_no_attributes(tmp_path: Path) -> None:
    write(tmp_path / "mnist")
    assert data(tmp_path / "mnist").attribute_names == ()
    images, attributes = data(tmp_path / "mnist").tensors("test")
    assert attributes.shape == (20, 0)
    assert images.dtype == torch.uint8
