"""Avatars of which few have an attribute, as ``data=folder``: ``python -m tests.thinned ROOT Eyeglasses 0.02``."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import torch
from PIL import Image

from datamodules.avatars import AvatarsDataModule


def thin(root: Path, data: AvatarsDataModule, name: str, rate: float, splits: tuple[str, ...]) -> None:
    """Write a folder of avatars and its ``labels.csv``.

    Args:
        root: the directory to make.
        data: the avatars; their stores are drawn if they are missing.
        name: the attribute.
        rate: its share in the thinned splits: images that have it are left out, the last ones of the split.
        splits: the splits to thin; the others are as they are.
    """
    root.mkdir(parents=True)
    rows: list[list[object]] = []
    for split in ("train", "val", "test"):
        images, labels = data.tensors(split)
        present = labels[:, data.attribute_names.index(name)] == 1
        most = round(int((~present).sum()) * rate / (1 - rate)) if split in splits else len(images)
        (root / split).mkdir()
        for i in torch.nonzero(~present | (present.cumsum(0) <= most)).flatten().tolist():
            Image.fromarray(images[i].permute(1, 2, 0).numpy()).save(root / split / f"{i}.png")
            rows.append([f"{split}/{i}.png", *labels[i].int().tolist(), split])
    with (root / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", *data.attribute_names, "split"], *rows])


if __name__ == "__main__":
    thin(Path(sys.argv[1]), AvatarsDataModule(resolution=32), sys.argv[2], float(sys.argv[3]), ("train", "val"))
