"""``data=mnist``: MNIST's digits with their classes."""

from __future__ import annotations

import gzip
import hashlib
import math
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from datamodules.building import Chunks
from datamodules.loading import Loading
from datamodules.residency import Residency
from datamodules.store import data_directory, store_directory
from datamodules.stored import StoredDataModule
from datamodules.tables import refuse_html

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 5_000
VERSION = 1
SIDE = 28
LONGEST_HEADER = 4 + 4 * 255  # bytes: with 255 dimensions
LARGEST = 2**30  # bytes of an unpacked file; MNIST's largest has 47 million


class MNISTDataModule(StoredDataModule):
    """MNIST; batches also carry ``label`` ``[B]``, the digit. A digit has no attributes to edit.

    Args: as :class:`datamodules.stored.StoredDataModule`, and

        root: a directory with the four original files, gzipped or not, or with torchvision's copy of them;
            ``$FACET_DATA/mnist`` or the user's cache directory if None.
        store: directory of the packed stores; the user's cache directory if None.
        pad: whether to add two rows and columns of background on every side, for networks that need 32 pixels.
        val_size: number of digits, the last of the 60,000 for training, that form the validation split. With 0 all
            are trained on and the test split is used for validation, as by JacSup's authors; then nothing may be
            chosen by validation.
        download: whether torchvision downloads MNIST where it is missing.
        steps_per_batch: number of training batches that are loaded as one, for a method that takes several steps at a
            time.

    Raises:
        ValueError: a setting outside its range.
    """

    class_names = tuple("0123456789")

    def __init__(
        self,
        root: str | None = None,
        store: str | None = None,
        pad: bool = False,
        val_size: int = 5_000,
        download: bool = True,
        batch_size: int = 128,
        steps_per_batch: int = 1,
        workers: int | None = None,
        order_seed: int = 0,
        residency: Residency = "auto",
        images_per_epoch: int | None = None,
    ) -> None:
        loading = Loading(batch_size, workers, order_seed, False, residency, images_per_epoch)
        super().__init__("mnist", (), None, SIDE + 4 * pad, 1, store_directory("mnist", store), loading)
        if val_size < 0 or steps_per_batch < 1:
            name, value = ("val_size", val_size) if val_size < 0 else ("steps_per_batch", steps_per_batch)
            raise ValueError(f"data.{name}={value}: it is too small")
        self.steps_per_batch = steps_per_batch
        self.root, self.pad, self.val_size, self.download = data_directory("mnist", root), pad, val_size, download

    def columns(self, split: str) -> dict[str, Tensor]:
        return {**super().columns(split), "label": self.classes(split)}

    def classes(self, split: str) -> Tensor:
        """The digits, ``[N]`` long."""
        import torch

        return torch.from_numpy(self.store(split).labels[:, 0]).long()

    def _of_test_files(self, split: str) -> bool:
        return split == "test" or (split == "val" and not self.val_size)

    def looked_for(self) -> tuple[Path, bool]:
        return self.root, all(self._there(split, what) for split in ("train", "test") for what in ("images", "labels"))

    def file(self, split: str, what: str) -> Path:
        """One of the four files.

        Raises:
            ValueError: the file is missing and could not be downloaded.
        """
        for attempt in (False, True):
            if file := self._there(split, what):
                return file
            if not attempt and self.download:
                _download(self.root)
        name = self._name(split, what)
        raise ValueError(f"{self.root} has no {name} or {name}.gz: set data.root to where the four files of MNIST are")

    def _name(self, split: str, what: str) -> str:
        kind = {"images": "images-idx3-ubyte", "labels": "labels-idx1-ubyte"}[what]
        return f"{'t10k' if self._of_test_files(split) else 'train'}-{kind}"

    def _there(self, split: str, what: str) -> Path | None:
        """One of the four files, if it is there."""
        name, places = self._name(split, what), (self.root, self.root / "MNIST" / "raw")
        return next((p / n for p in places for n in (name, f"{name}.gz") if (p / n).is_file()), None)

    def raw(self, split: str, what: str) -> np.ndarray:
        """Images ``[N, 28, 28]`` or labels ``[N]`` of a split, uint8."""
        values = read_idx(self.file(split, what))
        if self._of_test_files(split) or not self.val_size:
            return values
        if self.val_size >= len(values):
            raise ValueError(f"data.val_size={self.val_size} leaves nothing of the {len(values)} digits to train with")
        return values[: -self.val_size] if split == "train" else values[-self.val_size :]

    def size(self, split: str) -> int:
        return len(self.raw(split, "labels"))

    def describe(self, split: str) -> Mapping[str, Any]:
        contents = [unpacked(self.file(split, what)) for what in ("images", "labels")]  # 50 megabytes at most
        return {
            "data": "mnist",
            "source": [hashlib.sha256(content).hexdigest()[:16] for content in contents],
            "split": "test" if self._of_test_files(split) else split,
            "val_size": self.val_size,
            "pad": self.pad,
            "version": VERSION,
        }

    def make(self, split: str, done: np.ndarray) -> Chunks:
        images, labels = self.raw(split, "images"), self.raw(split, "labels")
        if len(images) != len(labels) or images.shape[1:] != (SIDE, SIDE):
            raise ValueError(f"the files of MNIST in {self.root} don't belong together")
        if labels.max() > 9:
            raise ValueError(f"the labels of MNIST in {self.root} are not digits")
        margin = 2 * self.pad
        for start in range(0, len(images), CHUNK):
            padded = np.pad(images[start : start + CHUNK], ((0, 0), (margin, margin), (margin, margin)))
            yield start, padded[:, None], labels[start : start + CHUNK, None].astype(np.int8)


def unpacked(file: Path) -> bytes:
    """The unpacked bytes of an IDX file, gzipped or not. No more is read than its header announces.

    Raises:
        ValueError: the file is an HTML page, incomplete, or of another format.
    """
    refuse_html(file)
    with file.open("rb") as start:
        packed = start.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(file) if packed else file.open("rb") as opened:
            head = opened.read(LONGEST_HEADER)
            values = math.prod(_shape(head, file))
            if values > LARGEST:
                raise ValueError(f"{file} says that it holds {values:,} bytes, and no more than {LARGEST:,} are read")
            return head + opened.read(max(0, values + 1))  # past the end, so that gzip checks its checksum
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{file} is damaged ({error}): download it again") from error


def _shape(content: bytes, file: Path) -> tuple[int, ...]:
    """The shape that a header gives."""
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(f"{file} is not one of MNIST's files: download it again")
    dimensions = content[3]
    if len(content) < 4 + 4 * dimensions:
        raise ValueError(f"{file} ends early: download it again")
    return struct.unpack_from(f">{dimensions}I", content, 4)


def read_idx(file: Path) -> np.ndarray:
    """An IDX file of bytes, gzipped or not.

    Raises:
        ValueError: the file is incomplete or of another format.
    """
    content = unpacked(file)
    shape = _shape(content, file)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape))
    if len(values) != math.prod(shape):
        less = len(values) < math.prod(shape)
        raise ValueError(f"{file} {'ends early' if less else 'holds more than it says'}: download it again")
    return values.reshape(shape)


def _download(root: Path) -> None:
    """Download MNIST by torchvision.

    Raises:
        ValueError: the download failed.
    """
    from torchvision.datasets import MNIST

    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".download.lock"):  # a second process waits, and finds the files
            MNIST(str(root), download=True)
    except Exception as error:  # torchvision raises errors of many types
        reason = " ".join(str(error).split())[:200]
        raise ValueError(
            f"torchvision could not download MNIST to {root} ({reason}): "
            "put the four original files there, or set data.root to where they are"
        ) from error
