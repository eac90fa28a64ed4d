"""Small folders of images from which malformed inputs are made, and a time limit for reading them."""

from __future__ import annotations

import io
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from datamodules.folder import FolderDataModule

NAMES = ("a.png", "b.png", "c.png")
GREYS = (40, 120, 200)
SPLITS = ("train", "val", "test")
HANGS = 20  # seconds


@contextmanager
def in_time(seconds: int = HANGS) -> Iterator[None]:
    """Raise an error after a number of seconds."""

    def late(*args: object) -> None:
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def grey(value: int, side: int = 20) -> Image.Image:
    return Image.fromarray(np.full((side, side, 3), value, np.uint8))


def faces(root: Path, labels: str | bytes | None = None) -> Path:
    """Write three images, one for each split, and a csv file."""
    root.mkdir(parents=True)
    for name, value in zip(NAMES, GREYS, strict=True):
        grey(value).save(root / name)
    if labels is not None:
        (root / "labels.csv").write_bytes(labels.encode() if isinstance(labels, str) else labels)
    return root


def folder(place: Path, **settings: Any) -> FolderDataModule:
    defaults: dict[str, Any] = {"resolution": 16, "batch_size": 2, "workers": 1, "store": str(place.parent / "store")}
    return FolderDataModule(**{"root": str(place), **defaults, **settings})


def read(root: Path, **settings: Any) -> tuple[list[list[int]], dict[str, list[list[float]]]]:
    """Build all stores; returns the mean grey of every image, and the labels of every image by split."""
    data = folder(root, **settings)
    with in_time():
        data.prepare_data()
        greys = [[round(image.float().mean().item()) for image in data.tensors(split)[0]] for split in SPLITS]
    labels = {split: data.tensors(split)[1].nan_to_num(-1).tolist() for split in SPLITS}
    return greys, labels
