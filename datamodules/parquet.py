"""Images in parquet shards, read a row group at a time.

This module must not import torch, because worker processes import it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from datamodules.contents import Content, content, state
from datamodules.tables import refuse_html

MOST_ROWS = 10**7  # of a shard; CelebA has 202,599 images
LARGEST_GROUP = 2**32  # bytes of an unpacked row group
NUMBERED = re.compile(r"(?P<before>.*?)(?P<number>\d+)(?P<of>-of-(?P<count>\d+)(-[0-9a-f]{16})?)?")


class Parquet:
    """Images in parquet shards; an image's name is ``<shard>/<row>``.

    Raises:
        ValueError: pyarrow is missing, a file is not parquet, or a shard is missing.
    """

    def __init__(self, path: str, column: str = "image") -> None:
        self.root, self.column = Path(path), column
        self.files = sorted([*self.root.glob("*.parquet"), *self.root.glob("*/*.parquet")])
        check_complete(self.files)

    def names(self) -> Iterator[str]:
        for i, file in enumerate(self.files):
            yield from (f"{i}/{row}" for row in range(open_parquet(str(file)).metadata.num_rows))

    def read(self, name: str) -> bytes:
        shard, row = map(int, name.split("/"))
        file = self.files[shard]
        group, offset = _row_group(str(file), row)
        images = _images(str(file), state(file), group, self.column)
        with undamaged(str(file)):
            value = images[offset].as_py()
        image = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(image, bytes):
            raise ValueError(f"row {row} of {file} holds no image bytes in its column {self.column!r}")
        return image

    def states(self, names: Sequence[str]) -> Iterator[str]:
        yield from (f"{file.resolve()} {state(file)}" for file in self.files)
        yield from names

    def contents(self, names: Sequence[str]) -> Iterator[Content]:
        yield from (content(self, name, self.root) for name in names)


def check_complete(files: Sequence[Path]) -> None:
    """Check that numbered shards (``train-00000-of-00003``, ``0000``) are complete.

    Raises:
        ValueError: a number is missing or occurs twice; the message names it.
    """
    series: dict[tuple[Path, str], dict[int, re.Match[str]]] = defaultdict(dict)
    for file in files:
        found = NUMBERED.fullmatch(file.stem)
        if found is None or (found["before"] and not found["of"]):  # a number at the end may mean anything
            continue
        shards = series[file.parent, found["before"]]
        twice = shards.setdefault(int(found["number"]), found) is not found
        first = next(iter(shards.values()))
        if twice or first["count"] != found["count"]:
            raise ValueError(
                f"{file.parent} has shards of two downloads ({first[0]}, {found[0]}): take away those of one"
            )
    for (folder, before), shards in series.items():
        first = next(iter(shards.values()))
        total = int(first["count"]) if first["of"] else max(shards) + 1
        if lacking := sorted(set(range(total)) - set(shards)):
            name = f"{before}{lacking[0]:0{len(first['number'])}}" + (f"-of-{first['count']}" if first["of"] else "")
            raise ValueError(f"{folder} has {len(shards)} of {total} shards and lacks {name}.parquet: download it")


def open_parquet(path: str) -> Any:
    """A parquet file. Each process keeps it open until the file changes.

    Raises:
        ValueError: pyarrow is missing, or the file is no parquet file.
    """
    return _opened(path, state(Path(path)))


@lru_cache(maxsize=64)
def _opened(path: str, state: str) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ValueError("parquet shards are read by pyarrow: pip install 'facet-lab[parquet]'") from error
    if not Path(path).is_file():
        raise ValueError(f"{path} is no file")
    refuse_html(Path(path))
    with undamaged(path):
        file = pyarrow.parquet.ParquetFile(path)
        rows = file.metadata.num_rows
    if rows > MOST_ROWS:
        raise ValueError(f"{path} says that it has {rows:,} rows, and no more than {MOST_ROWS:,} are read")
    return file


@contextmanager
def undamaged(path: str) -> Iterator[None]:
    """Turn any exception of pyarrow, which raises many types for a damaged file, into an error for the user.

    Raises:
        ValueError: pyarrow failed.
    """
    try:
        yield
    except Exception as error:
        why = " ".join(str(error).split())[:100]
        raise ValueError(f"{path} is not a parquet file, or only a part of one ({why}): download it again") from error


def _row_group(path: str, row: int) -> tuple[int, int]:
    metadata = open_parquet(path).metadata
    for group in range(metadata.num_row_groups):
        if row < metadata.row_group(group).num_rows:
            return group, row
        row -= metadata.row_group(group).num_rows
    raise FileNotFoundError(f"{path} has no row {row}")


@lru_cache(maxsize=1)
def _images(path: str, state: str, group: int, column: str) -> Any:
    file = open_parquet(path)
    with undamaged(path):
        size = file.metadata.row_group(group).total_byte_size
    if size > LARGEST_GROUP:
        raise ValueError(f"{path} has a row group of {size:,} bytes, and no more than {LARGEST_GROUP:,} are read")
    with undamaged(path):
        return file.read_row_group(group, columns=[column]).column(0)
