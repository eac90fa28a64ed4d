"""The packed store: whole or absent, whatever happens."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from datamodules.building import SKIPPED, Chunks
from datamodules.store import (
    CorruptStoreError,
    PackedStore,
    cache_directory,
    data_directory,
    fingerprint,
    open_or_build,
)

SHAPE = (10, 3, 8, 8)
DESCRIPTION = {"data": "noise", "sizes": [10, 3]}
IMAGES = np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)
LABELS = np.random.default_rng(1).integers(-1, 2, (10, 2), dtype=np.int8)

BUILD_SLOWLY = """
import sys, time, numpy as np
from pathlib import Path
from datamodules.store import open_or_build
path, log, seconds = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
def chunks(done):
    with log.open("a") as file:
        file.write("built\\n")
    print("started", flush=True)
    if not done[0]:
        yield 0, np.full((5, 1, 4, 4), 2, np.uint8), np.zeros((5, 1), np.int8)
        print("half", flush=True)
        time.sleep(seconds)
    yield 5, np.ones((5, 1, 4, 4), np.uint8), np.ones((5, 1), np.int8)
store = open_or_build(path, (10, 1, 4, 4), 1, {"data": "slow"}, chunks, lambda line: print(line, file=sys.stderr))
print(int(store.images.sum()), flush=True)
"""


def chunks(done: np.ndarray) -> Chunks:
    for start in (6, 0, 3):  # any order
        stop = min(start + (4 if start == 6 else 3), 10)
        yield start, IMAGES[start:stop], LABELS[start:stop]


def never(done: np.ndarray) -> Chunks:
    raise AssertionError("it is there: nothing to build")
    yield


def build(path: Path, chunks: Callable[[np.ndarray], Chunks] = chunks, lines: list[str] | None = None) -> PackedStore:
    return open_or_build(path, SHAPE, 2, DESCRIPTION, chunks, (lines if lines is not None else []).append)


def slowly(path: Path, log: Path, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", BUILD_SLOWLY, str(path), str(log), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root())


def root() -> Path:
    import datamodules

    return Path(str(datamodules.__file__)).parents[1]


def left(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir() if entry.suffix != ".lock")


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


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("datamodules.building.np.save", full)
    with pytest.raises(ValueError, match=r"No space left on device.*room"):
        build(tmp_path / "store")
    assert left(tmp_path) == []


def test_a_file_that_may_not_grow_is_an_error_and_not_a_signal(tmp_path: Path) -> None:
    """The real thing: writes fail half-way through the images. A memory map would end the process here."""
    script = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (250, 250))\n{BUILD_SLOWLY}"
    command = [sys.executable, "-B", "-c", script, str(tmp_path / "store"), "/dev/null", "0"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root(), timeout=60)
    assert done.returncode == 1
    assert "ValueError: " in done.stderr.splitlines()[-1]
    assert "can't be written (File too large)" in done.stderr
    assert left(tmp_path) == []


def test_a_failing_source_keeps_its_own_error_and_what_is_made(tmp_path: Path) -> None:
    ended, asked = [], []

    def failing(done: np.ndarray) -> Chunks:
        try:
            yield 0, IMAGES[:3], LABELS[:3]
            raise FileNotFoundError("000004.jpg")
        finally:
            ended.append(True)

    def rest(done: np.ndarray) -> Chunks:
        asked.append(done)
        yield 3, IMAGES[3:], LABELS[3:]

    with pytest.raises(FileNotFoundError, match=r"000004.jpg"):
        build(tmp_path / "store", failing)
    assert left(tmp_path) == ["store.partial"]
    assert ended
    assert np.array_equal(build(tmp_path / "store", rest).images, IMAGES)
    assert asked[0].tolist() == [True] * 3 + [False] * 7
    assert left(tmp_path) == ["store"]


def test_a_killed_build_leaves_no_store_and_the_next_one_goes_on(tmp_path: Path) -> None:
    process = slowly(tmp_path / "store", tmp_path / "log.lock", seconds=60)
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == ["started\n", "half\n"]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "store").exists()
    with slowly(tmp_path / "store", tmp_path / "log.lock", seconds=0) as again:
        assert again.communicate()[0] == "started\n240\n"  # 5 × 16 twos that were there, 5 × 16 ones
    assert left(tmp_path) == ["store"]


@pytest.mark.parametrize("damage", ["record", "journal", "description"])
def test_what_a_killed_build_left_is_believed_only_as_far_as_it_holds(damage: str, tmp_path: Path) -> None:
    def half(done: np.ndarray) -> Chunks:
        yield 0, IMAGES[:3], LABELS[:3]
        yield 3, IMAGES[3:6], LABELS[3:6]
        raise RuntimeError("the machine went down")

    asked = []

    def rest(done: np.ndarray) -> Chunks:
        asked.append(done.tolist())
        yield 0, IMAGES, LABELS

    with pytest.raises(RuntimeError):
        build(tmp_path / "store", half)
    partial = tmp_path / "store.partial"
    if damage == "record":
        content = bytearray((partial / "images.npy").read_bytes())
        content[-1] ^= 255  # of record 5, the last that is written
        (partial / "images.npy").write_bytes(bytes(content))
    elif damage == "journal":
        journal = (partial / "journal").read_bytes()
        (partial / "journal").write_bytes(journal[:-3])
    else:
        (partial / "description.json").write_text("{}")
    assert np.array_equal(build(tmp_path / "store", rest).images, IMAGES)
    expected = {"record": [0, 1, 2, 3, 4], "journal": [0, 1, 2], "description": []}[damage]
    assert [i for i, done in enumerate(asked[0]) if done] == expected
    assert np.array_equal(build(tmp_path / "store", never).labels, LABELS)


def test_skipped_records_are_left_out_and_every_other_keeps_its_labels(tmp_path: Path) -> None:
    bad = [1, 4, 9]

    def some(done: np.ndarray) -> Chunks:
        labels = LABELS.copy()
        labels[bad] = SKIPPED
        yield 0, IMAGES, labels

    build(tmp_path / "store", some)
    store = build(tmp_path / "store", never)
    assert sorted(store.order.tolist()) == [i for i in range(10) if i not in bad]
    assert np.array_equal(store.images, IMAGES[store.order])
    assert np.array_equal(store.labels, LABELS[store.order])
    with pytest.raises(ValueError, match="not one of the 10 images of none could be decoded"):
        build(tmp_path / "none", lambda done: ((0, IMAGES, np.full_like(LABELS, SKIPPED)) for _ in range(1)))


def test_a_store_of_an_older_format_is_built_again_and_said_so(tmp_path: Path) -> None:
    build(tmp_path / "store")
    meta = tmp_path / "store" / "store.json"
    meta.write_text(meta.read_text().replace('"format": 2', '"format": 1'))
    lines: list[str] = []
    build(tmp_path / "store", lines=lines)
    assert lines == [f"old store, built again: {tmp_path / 'store'} has format 1, this version reads 2"]
    build(tmp_path / "store", never)


def test_processes_that_start_at_once_build_once(tmp_path: Path) -> None:
    log = tmp_path / "log.lock"
    processes = [slowly(tmp_path / "store", log, seconds=2) for _ in range(3)]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert log.read_text() == "built\n"
    assert sorted(out.splitlines()[-1] for out, _ in outputs) == ["240", "240", "240"]
    assert sum("waiting for it" in err for _, err in outputs) >= 1


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
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache")
    assert cache_directory("judges") == Path("/var/cache/facet/judges")
    monkeypatch.setenv("FACET_CACHE", "/fast")
    assert cache_directory("judges") == Path("/fast/judges")
    monkeypatch.setenv("FACET_DATA", str(tmp_path))
    assert data_directory("avatars", None) == Path("/fast/avatars"), "nothing is there: not a place to write to"
    (tmp_path / "avatars").mkdir()
    assert data_directory("avatars", None) == tmp_path / "avatars"
    assert data_directory("avatars", "~/here") == Path("/home/someone/here")
