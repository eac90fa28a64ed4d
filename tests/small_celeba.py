"""A copy of CelebA with twelve pictures, and functions to read it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from celeba_forms import as_kaggle
from malformed import encoded, in_time
from PIL import Image

from datamodules.celeba import CelebADataModule
from datamodules.celeba_tables import ATTRIBUTES

SIZE = 12  # 6 to train, 3 to validate, 3 to test
CODES = "000000111222"


def small_celeba(root: Path) -> Path:
    """Write pictures with one grey level each, and the two tables."""
    (root / "img_align_celeba").mkdir(parents=True)
    draw = np.random.default_rng(0)
    lines, splits = [str(SIZE), " ".join(ATTRIBUTES)], []
    for i in range(SIZE):
        name = f"{i + 1:06d}.jpg"
        content = encoded(Image.fromarray(np.full((30, 24, 3), 20 * i, np.uint8)), "JPEG", quality=95)
        (root / "img_align_celeba" / name).write_bytes(content)
        lines.append(f"{name} " + " ".join(f"{one:2d}" for one in draw.choice([-1, 1], 40)))
        splits.append(f"{name} {CODES[i]}")
    (root / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    (root / "list_eval_partition.txt").write_text("\n".join(splits) + "\n")
    return root


def data(root: Path, **settings: Any) -> CelebADataModule:
    defaults: dict[str, Any] = {"resolution": 16, "batch_size": 2, "workers": 1, "crop": "none"}
    store = str(root.parent / "store")
    return CelebADataModule(**{"root": str(root), "store": store, **defaults, **settings})


def read(root: Path, **settings: Any) -> tuple[list[list[int]], list[Any]]:
    """The grey levels and the labels of each split."""
    celeba = data(root, **settings)
    with in_time():
        celeba.prepare_data()
    splits = [celeba.tensors(split) for split in ("train", "val", "test")]
    greys = [[round(image.float().mean().item() / 20) for image in images] for images, _ in splits]
    return greys, [labels.tolist() for _, labels in splits]


def edit(file: Path, change: Callable[[list[str]], list[str]], end: str = "\n") -> Path:
    file.write_bytes((end.join(change(file.read_text().splitlines())) + end).encode())
    return file.parent


def rows(root: Path, change: Callable[[list[str]], list[str]]) -> Path:
    """Change the rows of Kaggle's csv file."""
    as_kaggle(root)
    file = root / "list_attr_celeba.csv"
    with file.open() as lines:
        found = [change(row) for row in csv.reader(lines)]
    with file.open("w", newline="") as lines:
        csv.writer(lines).writerows(found)
    return root


def assert_all_is_read(root: Path, form: Callable[[Path], Path]) -> None:
    """A copy in another form has the pictures and the labels of the plain one, in the same splits."""
    lines = [line.split() for line in (root / "list_attr_celeba.txt").read_text().splitlines()[2:]]
    labels = [[float(value == "1") for value in line[1:]] for line in lines]
    greys, found = read(form(root))
    assert greys == [list(range(6)), list(range(6, 9)), list(range(9, 12))]
    assert found == [labels[:6], labels[6:9], labels[9:]]
