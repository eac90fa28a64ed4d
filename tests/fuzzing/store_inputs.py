"""A packed store of which any file is damaged, finished or half-built: known as such, or read with the right pixels."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np
from fuzzing.data_inputs import Files, files_below
from fuzzing.harness import FoundError, Kind, check_left, exit_code, write
from fuzzing.mutations import damaged
from hypothesis import strategies as st
from packed_stores import IMAGES, LABELS, SHAPE, build

from datamodules.building import Chunks
from datamodules.store import PackedStore
from facet.errors import UserError

HALF = 6  # records that a build had made when it was killed


def _half(done: np.ndarray) -> Chunks:
    yield 0, IMAGES[:HALF], LABELS[:HALF]
    raise KeyboardInterrupt


@functools.cache
def whole(half: bool) -> Files:
    """The files of a store, or of one that is half-built."""
    with tempfile.TemporaryDirectory() as name:
        try:
            build(Path(name) / "store", *((_half,) if half else ()))
        except KeyboardInterrupt:
            assert half
        return {name: content for name, content in files_below(Path(name)).items() if not name.endswith(".lock")}


@st.composite
def stores(draw: st.DrawFn) -> tuple[bool, dict[str, bytes | None]]:
    """Whether a store is half-built, and its files: one or two of them damaged, taken away, or another's."""
    half = draw(st.booleans())
    files: dict[str, bytes | None] = {**whole(half)}
    for name in draw(st.lists(st.sampled_from(sorted(files)), min_size=1, max_size=2, unique=True)):
        match draw(st.integers(0, 9)):
            case 0:
                files[name] = None
            case 1:
                files[name] = files[draw(st.sampled_from(sorted(files)))]
            case 2:
                files[name] = draw(damaged(_other_head(draw, whole(half)[name]), least=0))
            case _:
                files[name] = draw(damaged(whole(half)[name]))
    return half, files


SAID = (b"|u1", b"|i1", b"<u4", b"<i8", b"False", b"(10, 3, 8, 8)", b"(10, 2)", b"(10,)", b'"order": ', b'"format": 2')
OTHERS = (
    *(b"|i1", b"|b1", b"|S1", b">u4", b"<f4", b"|O", b"<U2", b"True", b"(10, 8, 3, 8)", b"(10, 192)", b"(5, 6, 8, 8)"),
    *(
        b"(10, 3, 64)",
        b"(2, 10)",
        b"(20,)",
        b"(10, 1, 2)",
        b"(9999999999, 3)",
        b"(0,)",
        b"()",
        b"(-1, 3, 8, 8)",
        b'"x": ',
    ),
)


def _other_head(draw: st.DrawFn, content: bytes) -> bytes:
    """Another kind or shape of number in the head of a file of NumPy's, as long as before where it can be."""
    old, new = draw(st.sampled_from(SAID)), draw(st.sampled_from(OTHERS))
    head, end, rest = content.partition(b"\n")
    changed = head.replace(old, new)
    return (changed[: len(head)].ljust(len(head)) if head.startswith(b"\x93NUMPY") else changed) + end + rest


def _attempt(given: tuple[bool, dict[str, bytes | None]], place: Path) -> int:
    _, files = given
    write(place, {name: content for name, content in files.items() if content is not None})
    path = place / "store"
    code = exit_code("dataset", lambda: _open(path, verify=False), named=[str(path)])
    code = code or exit_code("dataset", lambda: _open(path, verify=True), named=[str(path)])

    def again() -> None:
        store = build(path)
        if not np.array_equal(store.images, IMAGES) or not np.array_equal(store.labels, LABELS):
            raise FoundError("wrong pixels or labels")
        if not np.array_equal(store.order, np.arange(SHAPE[0])):
            raise FoundError("records in a wrong order")

    if exit_code("dataset", again):
        raise FoundError("a damaged store wasn't built again")
    check_left(place, lambda file: file.suffix == ".lock" or file.parent == path)
    _open(path, verify=True)
    return code


def _open(path: Path, verify: bool) -> None:
    if not path.is_dir():
        return
    try:
        store = PackedStore.open(path, verify)
    except ValueError as error:  # as facet-data does
        raise UserError(str(error)) from error
    if store.images.tobytes() != IMAGES.tobytes() or store.labels.tobytes() != LABELS.tobytes():
        raise FoundError("wrong pixels or labels")
    if store.images.shape != SHAPE or store.images.dtype != np.uint8 or store.labels.shape != LABELS.shape:
        raise FoundError(f"images {store.images.dtype} {store.images.shape}, labels {store.labels.shape}")


KINDS = (Kind("store", stores(), _attempt),)
