"""A folder of three pictures with a csv, of which the csv or a picture is odd; and MNIST's four files."""

from __future__ import annotations

import functools
import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
from fuzzing.data_inputs import SOME, Files, Given, attempt
from fuzzing.harness import FoundError, Kind, exit_code, write
from fuzzing.mutations import damaged
from fuzzing.pictures import pictures
from fuzzing.sheets import as_bytes, sheets
from hypothesis import strategies as st
from malformed import GREYS, NAMES, encoded, grey

from datamodules.photos import decode_run
from facet.errors import UserError

SHEET = [["file", "Smiling", "Hat", "split"], ["a.png", "1", "0", "train"], ["b.png", "0", "", "val"]]
SHEET = [*SHEET, ["c.png", "1", "1", "test"]]
LABELS = "".join(",".join(row) + "\n" for row in SHEET)
USUAL: dict[str, Any] = {"resolution": 8}
SETTINGS: dict[str, tuple[Any, ...]] = {
    "on_corrupt": ("fail", "skip"),
    "on_missing": ("fail", "skip"),
    "crop": ("aif", "jacsup", "none"),
    "limit": (None, 1, 2),
    "attributes": (None, ["Smiling"], ["Hat", "Smiling"]),
}


@functools.cache
def good() -> Files:
    """Three greys and their csv."""
    files = {name: encoded(grey(value)) for name, value in zip(NAMES, GREYS, strict=True)}
    return {**files, "labels.csv": LABELS.encode()}


@st.composite
def settings(draw: st.DrawFn, *names: str) -> dict[str, Any]:
    """Some settings, mostly as they are by default."""
    return {name: draw(st.sampled_from(SETTINGS[name])) for name in names if draw(st.booleans())}


def csvs() -> st.SearchStrategy[Given]:
    """A csv, damaged as a table or as bytes."""
    texts = sheets(SHEET).map(as_bytes)
    contents = st.one_of(texts, texts, texts.flatmap(damaged), damaged(LABELS.encode()))
    return st.tuples(
        contents.map(lambda content: {"labels.csv": content}), settings("on_missing", "limit", "attributes")
    )


def odd_pictures() -> st.SearchStrategy[Given]:
    """A picture in the place of one of the three, under its name."""
    files = st.builds(lambda name, content: {name: content}, st.sampled_from(NAMES), pictures())
    return st.tuples(files, settings("on_corrupt", "crop"))


FILES = tuple(f"{part}-{what}" for part in ("train", "t10k") for what in ("images-idx3-ubyte", "labels-idx1-ubyte"))


@functools.cache
def digits() -> Files:
    """MNIST's four files, of six digits and three."""
    files = {}
    for name in FILES:
        n = 6 if name.startswith("train") else 3
        values = np.arange(n, dtype=np.uint8)
        if "images" in name:
            values = np.repeat(values, 28 * 28).reshape(n, 28, 28)
        files[name] = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()
    return files


@st.composite
def idx(draw: st.DrawFn) -> Given:
    """One or two of the four files, damaged, some of them gzipped before or after that."""
    files = {}
    for name in draw(st.lists(st.sampled_from(FILES), min_size=1, max_size=2, unique=True)):
        content = digits()[name]
        if draw(st.booleans()):  # its head
            numbers = st.sampled_from((0, 1, 2, 3, 6, 9, 27, 28, 784, 2**31, 2**32 - 1))
            head = draw(st.lists(numbers, max_size=5))
            kind = bytes(
                [0, 0, draw(st.sampled_from((8, 8, 8, 9, 13))), draw(st.sampled_from((len(head), 0, 1, 3, 255)))]
            )
            content = kind + struct.pack(f">{len(head)}I", *head) + content[16 if "images" in name else 8 :]
        if draw(st.integers(0, 2)) == 0:
            content = draw(damaged(gzip.compress(content, 1, mtime=0), least=0))
        files[name] = draw(damaged(content, least=0))
    return files, {"val_size": draw(st.sampled_from((0, 2, 2, 5, 6))), "pad": draw(st.booleans())}


def _folder(given: Given, place: Path) -> int:
    return attempt("folder", good(), USUAL, given, place, GREYS)


def _pictures(given: Given, place: Path) -> int:
    """Decode it; of some, build the store."""
    files, settings = given
    ((name, content),) = files.items()
    if len(content) % SOME == 0:
        return attempt("folder", good(), USUAL, given, place)
    root = write(place / "data", files)

    def decode() -> None:
        try:
            images, fine = decode_run(
                "directory", str(root), [name], channels=3, resolution=8, **{"crop": "aif", **settings}
            )
        except ValueError as error:  # as facet-data does
            raise UserError(str(error)) from error
        if images.shape != (1, 3, 8, 8) or (not fine[0] and images.any()):
            raise FoundError(f"decoded to {images.shape}, {fine}")

    return exit_code("dataset", decode, named=[str(root)])


def _digits(given: Given, place: Path) -> int:
    return attempt("mnist", digits(), {"val_size": 2, "download": False}, given, place)


KINDS = (
    Kind("csv", csvs(), _folder),
    Kind("pictures", odd_pictures(), _pictures),
    Kind("idx", idx(), _digits),
)
