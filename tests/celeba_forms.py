"""Other common forms of CelebA: each function converts a plain copy to a form, and returns the root of the result."""

from __future__ import annotations

import csv
import shutil
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from datamodules.celeba_tables import ATTRIBUTES


def as_it_is(root: Path) -> Path:
    return root


def as_zip(root: Path) -> Path:
    with zipfile.ZipFile(root / "img_align_celeba.zip", "w") as archive:
        for file in sorted((root / "img_align_celeba").iterdir()):
            archive.write(file, f"img_align_celeba/{file.name}")
    shutil.rmtree(root / "img_align_celeba")
    return root


def as_kaggle(root: Path) -> Path:
    (root / "img_align_celeba").rename(root / "inner")
    (root / "img_align_celeba").mkdir()
    (root / "inner").rename(root / "img_align_celeba" / "img_align_celeba")
    lines = (root / "list_attr_celeba.txt").read_text().splitlines()
    with (root / "list_attr_celeba.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["image_id", *ATTRIBUTES], *(line.split() for line in lines[2:])])
    splits = (root / "list_eval_partition.txt").read_text().splitlines()
    with (root / "list_eval_partition.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["image_id", "partition"], *(line.split() for line in splits)])
    (root / "list_attr_celeba.txt").unlink()
    (root / "list_eval_partition.txt").unlink()
    return root


def as_torchvision(root: Path) -> Path:
    root.rename(root.with_name("celeba"))
    return root.parent


def as_parquet(root: Path) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    labels = [line.split() for line in (root / "list_attr_celeba.txt").read_text().splitlines()[2:]]
    splits = [line.split()[1] for line in (root / "list_eval_partition.txt").read_text().splitlines()]
    shards = root.with_name("shards")
    shards.mkdir()
    for code, name in (("0", "train"), ("1", "valid"), ("2", "test")):
        rows = [row for row, split in zip(labels, splits, strict=True) if split == code]
        images = [{"bytes": (root / "img_align_celeba" / row[0]).read_bytes(), "path": row[0]} for row in rows]
        columns = {a: [row[i + 1] == "1" for row in rows] for i, a in enumerate(ATTRIBUTES)}
        table = pyarrow.table({"image": images, **columns})
        parquet.write_table(table, shards / f"{name}-00000-of-00001.parquet", row_group_size=7)
    return shards


def as_official(root: Path) -> Path:
    for folder, names in (("Anno", ["list_attr_celeba.txt"]), ("Eval", ["list_eval_partition.txt"]), ("Img", [])):
        (root / folder).mkdir()
        for name in names:
            (root / name).rename(root / folder / name)
    (root / "img_align_celeba").rename(root / "Img" / "img_align_celeba")
    return root


def as_png(root: Path) -> Path:
    """The project page's PNGs: other files with the same tables."""
    (root / "img_align_celeba_png").mkdir()
    for file in (root / "img_align_celeba").iterdir():
        with Image.open(file) as image:
            image.save(root / "img_align_celeba_png" / f"{file.stem}.png")
    shutil.rmtree(root / "img_align_celeba")
    return root


def as_mask_hq(root: Path) -> Path:
    """CelebAMask-HQ: images with other names in another order (here reversed), and a table that maps them to CelebA."""
    images = root / "CelebA-HQ-img"
    images.mkdir()
    lines = (root / "list_attr_celeba.txt").read_text().splitlines()
    mapping = [f"{'idx':>12}{'orig_idx':>12}{'orig_file':>12}"]
    rows = [lines[0], lines[1]]
    for i, line in enumerate(reversed(lines[2:])):
        name, *labels = line.split()
        (root / "img_align_celeba" / name).rename(images / f"{i}.jpg")
        mapping.append(f"{i:>12}{i:>12}{name:>12}")
        rows.append(f"{i}.jpg  {' '.join(labels)}")
    (root / "CelebAMask-HQ-attribute-anno.txt").write_text("\n".join(rows) + "\n")
    (root / "CelebA-HQ-to-CelebA-mapping.txt").write_text("\n".join(mapping) + "\n")
    shutil.rmtree(root / "img_align_celeba")
    (root / "list_attr_celeba.txt").unlink()
    return root


FORMS = (as_it_is, as_zip, as_kaggle, as_torchvision, as_official, as_parquet)
