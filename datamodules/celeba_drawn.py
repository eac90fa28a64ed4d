"""A copy of CelebA with avatars as faces, for tests and benchmarks without the real data.

Files, formats and order are CelebA's: JPEGs of 178×218, 40 attributes, the partition. The attributes that avatars
have are true; the others are random.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from datamodules.avatar_drawing import render
from datamodules.avatar_factors import ATTRIBUTES as KNOWN
from datamodules.avatar_factors import draw_avatar
from datamodules.celeba_tables import ATTRIBUTES
from datamodules.workers import run_jobs

WIDTH, HEIGHT = 178, 218
SHARES = (0.8, 0.1)  # of train and val; test has the rest


def draw_celeba(root: Path, size: int, workers: int = 1, seed: int = 0) -> None:
    """Write ``root/img_align_celeba/``, ``list_attr_celeba.txt`` and ``list_eval_partition.txt``.

    The lists of identities, boxes and landmarks are written too, because torchvision always reads them.

    Args:
        root: the directory, created if it is missing.
        size: number of images.
        workers: processes that draw.
        seed: of faces and labels.
    """
    folder = root / "img_align_celeba"
    folder.mkdir(parents=True)
    jobs = [{"folder": str(folder), "start": i, "stop": min(i + 100, size), "seed": seed} for i in range(0, size, 100)]
    labels = np.concatenate([chunk for (chunk,) in run_jobs("datamodules.celeba_drawn:draw_files", jobs, workers)])
    lines = [f"{_name(i)} {' '.join(f'{1 if value else -1:2d}' for value in row)}" for i, row in enumerate(labels)]
    table = "\n".join([str(size), " ".join(ATTRIBUTES), *lines])
    (root / "list_attr_celeba.txt").write_text(table + "\n")
    ends = np.cumsum(SHARES) * size
    splits = [int(np.searchsorted(ends, i, side="right")) for i in range(size)]
    tables = {"list_bbox_celeba": "x_1 y_1 width height", "list_landmarks_align_celeba": "lefteye_x lefteye_y"}
    for name, header in tables.items():
        zeros = " ".join("0" for _ in header.split())
        (root / f"{name}.txt").write_text("\n".join([str(size), header, *(f"{_name(i)} {zeros}" for i in range(size))]))
    (root / "identity_CelebA.txt").write_text("".join(f"{_name(i)} {i + 1}\n" for i in range(size)))
    (root / "list_eval_partition.txt").write_text("".join(f"{_name(i)} {split}\n" for i, split in enumerate(splits)))


def draw_files(folder: str, start: int, stop: int, seed: int) -> tuple[Any]:
    """Draw a range of the files, one job of a worker process; returns the labels ``[n, 40]``."""
    labels = []
    for i in range(start, stop):
        avatar = draw_avatar(seed, "train", i, images_per_identity=1)
        known = dict(zip(KNOWN, avatar.labels(), strict=True))
        random = np.random.default_rng([seed, i]).random(len(ATTRIBUTES)) < 0.3
        labels.append([known.get(name, bool(value)) for name, value in zip(ATTRIBUTES, random, strict=True)])
        left = (HEIGHT - WIDTH) // 2
        face = Image.fromarray(render(avatar, HEIGHT).transpose(1, 2, 0)).crop((left, 0, left + WIDTH, HEIGHT))
        buffer = io.BytesIO()
        face.save(buffer, "JPEG", quality=90)
        (Path(folder) / _name(i)).write_bytes(buffer.getvalue())
    return (np.array(labels, np.int8),)


def _name(i: int) -> str:
    return f"{i + 1:06d}.jpg"
