"""Reading a packed store: what was written, or one clear error."""

import errno
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from packed_stores import (
    DESCRIPTION,
    IMAGES,
    LABELS,
    SHAPE,
    build,
    chunks,
    left,
    never,
)

from datamodules.store import (
    CorruptStoreError,
    PackedStore,
    cache_directory,
    data_directory,
    fingerprint,
    open_or_build,
)


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    build(tmp_path / "deep" / "store")
    store = build(tmp_path / "deep" / "store", never)
    assert np.array_equal(store.images, IMAGES)
    assert np.array_equal(store.labels, LABELS)
    assert store.description == DESCRIPTION
    assert left(tmp_path / "deep") == ["store"]


def test_images_are_mapped_and_writing_to_them_changes_no_file(tmp_path: Path) -> None:
    store = build(tmp_path / "store")
    assert isinstance(store.images, np.memmap)
    store.images[:] = 0
    assert np.array_equal(build(tmp_path / "store", never).images, IMAGES)


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes(bytes(data))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("damage", [flip, cut, empty, Path.unlink])
@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "checksums.npy", "order.npy", "store.json"])
def test_a_corrupt_store_is_built_again_and_said_in_one_line(
    name: str, damage: Callable[[Path], None], tmp_path: Path
) -> None:
    build(tmp_path / "store")
    damage(tmp_path / "store" / name)
    lines: list[str] = []
    store = build(tmp_path / "store", lines=lines)
    assert np.array_equal(store.images, IMAGES)
    assert np.array_equal(store.labels, LABELS)
    assert len(lines) == 1
    assert lines[0].startswith("corrupt store, built again: ")
    assert str(tmp_path / "store") in lines[0]
    build(tmp_path / "store", never)


def test_records_are_checked_again_when_files_change_or_it_is_asked_for(tmp_path: Path) -> None:
    build(tmp_path / "store")
    images = tmp_path / "store" / "images.npy"
    times = images.stat()
    with images.open("r+b") as file:  # a bit that fell over by itself: neither size nor time tells
        file.seek(-5, os.SEEK_END)
        file.write(bytes([IMAGES.flat[-5] ^ 1]))
    os.utime(images, ns=(times.st_atime_ns, times.st_mtime_ns))
    PackedStore.open(tmp_path / "store")
    with pytest.raises(CorruptStoreError, match="1 records changed since they were written, first 9"):
        PackedStore.open(tmp_path / "store", verify=True)
    images.touch()
    with pytest.raises(CorruptStoreError):
        PackedStore.open(tmp_path / "store")


def test_a_file_in_the_place_of_a_store_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(ValueError, match="can't be written"):
        build(tmp_path / "store")


@pytest.mark.parametrize("place", ["file/cache", "/proc/facet/cache"])
def test_an_unwritable_directory_is_one_clear_error(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"can't be written .* set data.root, data.store or FACET_CACHE") as raised:
        build(tmp_path / place / "store", never)
    assert "\n" not in str(raised.value)
    assert str(tmp_path / place) in str(raised.value)


def test_a_store_can_be_read_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path / "store")

    def read_only(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("datamodules.store.FileLock", read_only)
    assert np.array_equal(build(tmp_path / "store", never).images, IMAGES)
    with pytest.raises(ValueError, match="Read-only"):
        build(tmp_path / "another", never)


def test_a_store_of_an_older_format_is_built_again_and_said_so(tmp_path: Path) -> None:
    build(tmp_path / "store")
    meta = tmp_path / "store" / "store.json"
    meta.write_text(meta.read_text().replace('"format": 2', '"format": 1'))
    lines: list[str] = []
    build(tmp_path / "store", lines=lines)
    assert lines == [f"old store, built again: {tmp_path / 'store'} has format 1, this version reads 2"]
    build(tmp_path / "store", never)


def test_a_fingerprint_changes_with_anything() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert len({fingerprint(d) for d in ({"a": 1}, {"a": 2}, {"b": 1}, {"a": 1.5}, {"a": None})}) == 5


def test_a_store_of_another_description_is_not_taken(tmp_path: Path) -> None:
    build(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    lines: list[str] = []
    open_or_build(tmp_path / "two", SHAPE, 2, {"data": "else"}, chunks, lines.append)
    assert len(lines) == 1


def test_where_data_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FACET_DATA", "FACET_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/someone")
    assert data_directory("avatars", None) == Path("/home/someone/.cache/facet/avatars")
    for no_place in ("", "caches"):  # not the directory that a command happens to run in
        monkeypatch.setenv("XDG_CACHE_HOME", no_place)
        assert cache_directory("judges") == Path("~/.cache/facet/judges").expanduser()
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache")
    assert cache_directory("judges") == Path("/var/cache/facet/judges")
    monkeypatch.setenv("FACET_CACHE", "/fast")
    assert cache_directory("judges") == Path("/fast/judges")
    monkeypatch.setenv("FACET_DATA", str(tmp_path))
    assert data_directory("avatars", None) == Path("/fast/avatars"), "nothing is there: not a place to write to"
    (tmp_path / "avatars").mkdir()
    assert data_directory("avatars", None) == tmp_path / "avatars"
    assert data_directory("avatars", "~/here") == Path("/home/someone/here")
    for empty in ("", " "):
        with pytest.raises(ValueError, match=r"data.root= is empty: set it to a directory, or leave it out"):
            data_directory("avatars", empty)


def other_head(old: bytes, new: bytes) -> Callable[[Path], None]:
    """The same bytes in a file of NumPy's, said to be something else."""

    def change(file: Path) -> None:
        head, end, rest = file.read_bytes().partition(b"\n")
        assert old in head
        file.write_bytes(head.replace(old, new)[: len(head)].ljust(len(head)) + end + rest)

    return change


def zipped(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.npy", b"x")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("images.npy", other_head(b"(10, 3, 8, 8)", b"(10, 8, 3, 8)")),
        ("images.npy", other_head(b"(10, 3, 8, 8)", b"(10, 1, 3, 64)")),
        ("images.npy", other_head(b"|u1", b"|i1")),
        ("images.npy", other_head(b"False", b"True")),
        ("images.npy", other_head(b")", b" ")),  # NumPy's reader raises what Python's tokenizer does
        ("labels.npy", other_head(b"(10, 2)", b"(10, 1, 2)")),
        ("labels.npy", other_head(b"(10, 2)", b"(10, 9999999999999999)")),
        ("checksums.npy", other_head(b"(10,)", b"(10, 1)")),
        ("checksums.npy", other_head(b"<u4", b"<f4")),
        ("order.npy", zipped),
        ("store.json", lambda file: file.write_text('{"format": 2, "description": [1], "order": 1}')),
        ("verified.json", lambda file: file.write_bytes(b"\xff")),
    ],
)
def test_right_bytes_are_never_taken_for_something_else(
    name: str, damage: Callable[[Path], None], tmp_path: Path
) -> None:
    build(tmp_path / "store")
    damage(tmp_path / "store" / name)
    store = build(tmp_path / "store")
    assert store.images.dtype == np.uint8
    assert np.array_equal(store.images, IMAGES)
    assert np.array_equal(store.labels, LABELS)


def test_a_shape_that_is_known_is_asked_for(tmp_path: Path) -> None:
    build(tmp_path / "store")
    PackedStore.open(tmp_path / "store", record=(3, 8, 8, 2))
    with pytest.raises(CorruptStoreError, match="its records have another shape than was written"):
        PackedStore.open(tmp_path / "store", record=(3, 8, 8, 3))
