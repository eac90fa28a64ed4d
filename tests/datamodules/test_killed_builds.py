"""A build that ends at any moment leaves what the next one makes the right store of."""

import errno
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packed_stores import IMAGES, LABELS, build, left

from datamodules.building import SKIPPED, Chunks
from datamodules.store import PackedStore

CHANGES = {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod"}
KEPT = [0, 1, 8, 3, 9, 5, 6, 7]  # the gaps of 2 and 4 are closed from the end
armed: Callable[[], None] | None = None  # what happens at the next change of a file


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Sees every operation on files before it happens."""
    if armed and (event in CHANGES or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR))):
        armed()


sys.addaudithook(_watch)  # for as long as the process lives


def some_fail(done: np.ndarray) -> Chunks:
    """Records by two; the third and the fifth can't be made."""
    for start in range(0, len(IMAGES), 2):
        if not done[start : start + 2].all():
            labels = LABELS[start : start + 2].copy()
            labels[[row for row, record in enumerate(range(start, start + 2)) if record in (2, 4)]] = SKIPPED
            yield start, IMAGES[start : start + 2], labels


def assert_right(place: Path) -> None:
    lines: list[str] = []
    store = build(place, some_fail, lines)
    assert np.array_equal(store.images, IMAGES[KEPT])
    assert np.array_equal(store.labels, LABELS[KEPT])
    assert store.order.tolist() == KEPT
    PackedStore.open(place, verify=True)
    assert left(place.parent) == ["store"]


def nothing(place: Path) -> None:
    """Where a store belongs."""


def half(place: Path) -> None:
    """What an earlier build left."""
    with pytest.raises(InterruptedError):
        build(place, stopping)


def stopping(done: np.ndarray) -> Chunks:
    made = some_fail(done)
    yield from (next(made) for _ in range(3))
    raise InterruptedError


def corrupt(place: Path) -> None:
    build(place, some_fail)
    (place / "labels.npy").write_bytes(b"")


def killed(place: Path, operation: int) -> bool:
    """Whether a build came to that operation, in a process that ends there as if killed: nothing is flushed."""
    if not (child := os.fork()):
        try:
            happens(operation, lambda: os._exit(9))
            build(place, some_fail)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def refused(number: int) -> Callable[[Path, int], bool]:
    """A build to whom the system refuses an operation."""

    def fails(place: Path, operation: int) -> bool:
        def refuse() -> None:
            raise OSError(number, os.strerror(number))

        happens(operation, refuse)
        with suppress(ValueError):  # any other error fails the test
            build(place, some_fail)
        return disarmed()

    return fails


def stopped(place: Path, operation: int) -> bool:
    """A build that is stopped by Ctrl-C."""

    def stop() -> None:
        raise KeyboardInterrupt

    happens(operation, stop)
    with suppress(KeyboardInterrupt):
        build(place, some_fail)
    return disarmed()


def happens(operation: int, what: Callable[[], None]) -> None:
    """Something happens at an operation, counted from 0."""
    global armed
    waiting = [operation]

    def count() -> None:
        global armed
        waiting[0] -= 1
        if waiting[0] < 0:
            armed = None
            what()

    armed = count


def disarmed() -> bool:
    """Whether it has happened; if not, it won't any more."""
    global armed
    happened, armed = armed is None, None
    return happened


ENDS = {"killed": killed, "stopped": stopped, "full": refused(errno.ENOSPC), "failing": refused(errno.EIO)}


@pytest.mark.parametrize(
    "before", [half, *(pytest.param(before, marks=pytest.mark.reliability) for before in (nothing, corrupt))]
)
@pytest.mark.parametrize("end", ENDS)
def test_a_build_ended_at_any_operation_is_made_up_for(
    end: str, before: Callable[[Path], None], tmp_path: Path
) -> None:
    place, operation = tmp_path / "there" / "store", 0
    while True:
        place.parent.mkdir()
        before(place)
        if not ENDS[end](place, operation):
            break
        assert_right(place)
        shutil.rmtree(place.parent)
        operation += 1
    assert operation > 15
    assert_right(place)


@pytest.mark.reliability
def test_a_build_ended_again_and_again_is_made_up_for(tmp_path: Path) -> None:
    place, numbers, ended = tmp_path / "there" / "store", np.random.default_rng(0), 0
    for _ in range(300):
        place.parent.mkdir()
        while list(ENDS.values())[numbers.integers(len(ENDS))](place, int(numbers.integers(25))):
            ended += 1
        assert_right(place)
        shutil.rmtree(place.parent)
    assert ended > 1000
