"""Building a packed store: whole or absent, whatever happens."""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from packed_stores import (
    BUILD_SLOWLY,
    IMAGES,
    LABELS,
    build,
    left,
    never,
    root,
    slowly,
)

from datamodules.building import SKIPPED, Chunks


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


@pytest.mark.parametrize("damage", ["record", "journal", "description", "no text", "no journal", "no images"])
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
    elif damage.startswith("no "):
        files = {"no text": "description.json", "no journal": "journal", "no images": "images.npy"}
        (partial / files[damage]).unlink()
        if damage == "no text":
            (partial / "description.json").write_bytes(b"\xff")
    else:
        (partial / "description.json").write_text("{}")
    assert np.array_equal(build(tmp_path / "store", rest).images, IMAGES)
    expected = {"record": [0, 1, 2, 3, 4], "journal": [0, 1, 2]}.get(damage, [])
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
    with pytest.raises(ValueError, match=r"not one of the 10 images of .*none could be decoded"):
        build(tmp_path / "none", lambda done: ((0, IMAGES, np.full_like(LABELS, SKIPPED)) for _ in range(1)))


def test_processes_that_start_at_once_build_once(tmp_path: Path) -> None:
    log = tmp_path / "log.lock"
    processes = [slowly(tmp_path / "store", log, seconds=2) for _ in range(3)]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert log.read_text() == "built\n"
    assert sorted(out.splitlines()[-1] for out, _ in outputs) == ["240", "240", "240"]
    assert sum("waiting for it" in err for _, err in outputs) >= 1
