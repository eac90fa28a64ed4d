"""CelebA in parquet shards that are named after their split, with a column of images and one for each attribute."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from datamodules.celeba_tables import ATTRIBUTES
from datamodules.parquet import Parquet, open_parquet, undamaged
from datamodules.splits import SPLITS
from datamodules.tables import codes, fault, settled

SPLIT_NAMES = {"train": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val", "test": "test"}


def read_shards(place: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names of the images in their source, splits ``[N]`` and labels ``[N, 40]``, in CelebA's order.

    Raises:
        ValueError: a shard is missing or can't be used.
    """
    source = Parquet(str(place))
    of_split = {shard: SPLITS.index(_split_of(shard)) for shard in source.files}
    if lacking := [split for i, split in enumerate(SPLITS) if i not in of_split.values()]:
        has = ", ".join(shard.name for shard in source.files[:2])
        raise ValueError(f"{place} has no shards of {' and '.join(lacking)} (it has {has} …): download those too")
    names: list[str] = []
    splits: list[int] = []
    labels: list[np.ndarray] = []
    for i, shard in sorted(enumerate(source.files), key=lambda pair: (of_split[pair[1]], pair[1])):
        labels.append(_labels(shard))
        names += [f"{i}/{row}" for row in range(len(labels[-1]))]
        splits += [of_split[shard]] * len(labels[-1])
    return names, np.array(splits, np.int8), np.concatenate(labels)


def _labels(shard: Path) -> np.ndarray:
    file = open_parquet(str(shard))
    with undamaged(str(shard)):
        columns = set(file.schema_arrow.names)
    if missing := [name for name in ("image", *ATTRIBUTES) if name not in columns]:
        raise ValueError(f"{shard} has no column {missing[0]!r}: it is not CelebA with its attributes")
    with undamaged(str(shard)):
        table = file.read(columns=list(ATTRIBUTES)).to_pydict()
    columns_of_codes = np.array([codes(table[name]) for name in ATTRIBUTES], np.int8)
    for name, column in zip(ATTRIBUTES, columns_of_codes, strict=True):
        if wrong := fault(name, column, table[name].__getitem__, lambda row: f"{shard}, row {row}"):
            raise ValueError(wrong)
    return settled(columns_of_codes.T)


def _split_of(shard: Path) -> str:
    for word in (re.split(r"[^a-z]", shard.stem.lower())[0], shard.parent.name.lower()):
        if word in SPLIT_NAMES:
            return SPLIT_NAMES[word]
    raise ValueError(f"{shard}: its name says no split; shards are named train-…, valid-…, test-….parquet")
