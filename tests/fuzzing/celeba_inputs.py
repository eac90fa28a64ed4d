"""A copy of CelebA of twelve pictures, in the forms people have, with odd tables, zips and shards."""

from __future__ import annotations

import functools
import io
import zipfile
from pathlib import Path
from typing import Any

from celeba_forms import as_kaggle, as_mask_hq, as_parquet, as_zip
from fuzzing.data_inputs import Files, attempt, made
from fuzzing.folder_inputs import settings
from fuzzing.harness import Kind
from fuzzing.mutations import damaged, zipped
from fuzzing.sheets import as_bytes, sheets
from hypothesis import strategies as st
from small_celeba import SIZE, small_celeba

from datamodules.celeba_tables import ATTRIBUTES

USUAL: dict[str, Any] = {"resolution": 8, "crop": "none"}
GREYS = [20 * i for i in range(SIZE)]
FORMS = {"plain": lambda root: root, "kaggle": as_kaggle, "zip": as_zip, "mask_hq": as_mask_hq, "parquet": as_parquet}
TABLES = ("list_attr_celeba", "list_eval_partition", "CelebAMask-HQ-attribute-anno", "CelebA-HQ-to-CelebA-mapping")


@functools.cache
def good(form: str) -> Files:
    """A copy in one of its forms."""
    return made(lambda root: _made(root, form))


def _made(root: Path, form: str) -> None:
    small_celeba(root.with_name("copy"))
    FORMS[form](root.with_name("copy")).rename(root)


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, Files, dict[str, Any]]:
    """One of the tables of a copy, damaged as a table or as bytes."""
    form = draw(st.sampled_from(("plain", "kaggle", "mask_hq")))
    name = draw(st.sampled_from([name for name in good(form) if name.startswith(TABLES)]))
    content = good(form)[name]
    if draw(st.integers(0, 2)):
        separator = "," if name.endswith(".csv") else None
        rows = [line.split(separator) for line in content.decode().splitlines()]
        content = as_bytes(draw(sheets(rows, (",", ",", ";", " ") if separator else (" ", " ", "  ", "\t", ","))))
    if draw(st.booleans()):
        content = draw(damaged(content, least=0))
    more = {"split": "authors"} if draw(st.integers(0, 9)) == 0 else {}
    return form, {name: content}, {**draw(settings("on_missing", "limit")), **more}


NAMES = (
    *("img_align_celeba/000001.jpg", "000001.jpg", "IMG/000001.JPG", "000001.png", "000001.jpg/", "a/b/c/000002.jpg"),
    *("../000001.jpg", "/000001.jpg", "C:\\000001.jpg", "..\\000001.jpg", "__MACOSX/._000001.jpg", "", ".", "x" * 300),
    *("000001.jpg\0.png", "é.jpg", "\u202egpj.000001", "inner.zip", "a\nb.jpg", "000013.jpg", "list_attr_celeba.txt"),
)
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


@st.composite
def zips(draw: st.DrawFn) -> tuple[str, Files, dict[str, Any]]:
    """The zip of a copy: damaged, or with other entries."""
    content = good("zip")["img_align_celeba.zip"]
    if draw(st.booleans()):
        pictures = [good("plain")[f"img_align_celeba/{i + 1:06d}.jpg"] for i in range(SIZE)]
        entries = {f"img_align_celeba/{i + 1:06d}.jpg": picture for i, picture in enumerate(pictures)}
        for _ in range(draw(st.integers(0, 3))):
            name = draw(st.sampled_from(sorted(entries)))
            odd = draw(st.sampled_from((b"", b"x", pictures[1], zipped(pictures[0]), b"\0" * 9)))
            entries[draw(st.sampled_from(NAMES) | st.just(name))] = odd
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", draw(st.sampled_from(METHODS))) as archive:
            for name, picture in entries.items():
                archive.writestr(zipfile.ZipInfo(name), picture, archive.compression)
        content = buffer.getvalue()
    return "zip", {"img_align_celeba.zip": draw(damaged(content, least=0))}, draw(settings("on_corrupt", "on_missing"))


COLUMNS: dict[str, Any] = {  # of three rows
    "nothing": [None] * 3,
    "texts": ["1", "-1", ""],
    "other texts": ["yes", "é", "x" * 1000],
    "numbers": [1, 0, 2**62],
    "decimals": [1.0, float("nan"), -1.0],
    "lists": [[1], [], None],
    "structs": [{"bytes": b"x", "path": None}, {"bytes": None, "path": "x"}, None],
    "other structs": [{"x": 1}, {"x": None}, None],
    "bytes": [b"", b"\xff\xd8", None],
}


@st.composite
def shards(draw: st.DrawFn) -> tuple[str, Files, dict[str, Any]]:
    """A shard: damaged as bytes, with columns of other types, or under another name."""
    name = draw(st.sampled_from(sorted(good("parquet"))))
    content = good("parquet")[name]
    if draw(st.integers(0, 2)) == 0:
        content = _written(draw, content)
    content = draw(damaged(content, least=0))
    files = {name: content}
    if draw(st.integers(0, 4)) == 0:
        other = st.sampled_from(
            ("train", "valid", "test-00001-of-00002", "x", "0000", "train/0000", "a/b/train", "²-of-3")
        )
        files[f"{draw(other)}.parquet"] = content
    return "parquet", files, draw(settings("on_corrupt", "limit"))


def _written(draw: st.DrawFn, content: bytes) -> bytes:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(io.BytesIO(content)).slice(0, 3)
    for _ in range(draw(st.integers(1, 3))):
        column = draw(st.sampled_from(("image", "image", *ATTRIBUTES[:3])))
        values = draw(st.sampled_from(sorted(COLUMNS)))
        place = table.column_names.index(column) if column in table.column_names else 0
        if draw(st.integers(0, 4)) == 0:
            table = table.remove_column(place)
        else:
            new = (
                pyarrow.array(COLUMNS[values])
                if values != "texts"
                else pyarrow.array(COLUMNS[values]).dictionary_encode()
            )
            table = table.set_column(place, draw(st.sampled_from((column, column, "x", "image"))), new)
    buffer = io.BytesIO()
    compression = draw(st.sampled_from(("snappy", "gzip", "zstd", "none", "brotli", "lz4")))
    table = table.slice(0, draw(st.sampled_from((3, 3, 1, 0))))
    pyarrow.parquet.write_table(table, buffer, row_group_size=draw(st.sampled_from((1, 2, 7))), compression=compression)
    return buffer.getvalue()


def _attempt(given: tuple[str, Files, dict[str, Any]], place: Path) -> int:
    form, files, more = given
    return attempt(
        "celeba", good(form), USUAL, (files, more), place, GREYS if form in ("plain", "kaggle", "mask_hq") else ()
    )


KINDS = (
    Kind("celeba tables", tables(), _attempt),
    Kind("zip", zips(), _attempt),
    Kind("parquet", shards(), _attempt),
)
