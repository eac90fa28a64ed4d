"""Checkpoint files: whole or absent, damage recognised, the one before kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from facet import checkpoints
from facet.checkpoint_io import WholeCheckpoints
from facet.errors import UserError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a checkpoint, with another one before it."""
    path = tmp_path / "run" / "last.ckpt"
    for epoch in (0, 1):
        content = {"epoch": epoch, "weights": torch.arange(1000.0)}
        WholeCheckpoints().save_checkpoint(content, checkpoints.written(path))
        checkpoints.promote(path)
    return path


def test_the_one_before_is_kept(path: Path) -> None:
    assert checkpoints.read(path)["epoch"] == 1
    assert checkpoints.read(checkpoints.before(path))["epoch"] == 0
    assert sorted(file.name for file in path.parent.iterdir()) == ["last-before.ckpt", "last.ckpt"]


def test_a_kill_between_the_two_renames_loses_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the one that is kept, and takes the place of the one before, is damaged."""
    path.write_bytes(b"damaged")
    WholeCheckpoints().save_checkpoint({"epoch": 2}, checkpoints.written(path))
    with monkeypatch.context() as patched:
        rename, done = os.replace, []

        def killed(*names: Path) -> None:
            if done:
                raise KeyboardInterrupt
            done.append(rename(*names))

        patched.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.promote(path)
    for _ in range(2):
        checkpoints.settle(path)
        assert checkpoints.last_whole(path) == path
        assert checkpoints.read(path) == {"epoch": 2}


def test_a_first_one_counts_when_it_has_taken_its_place(tmp_path: Path) -> None:
    """Until then its batch isn't logged: a run that went on from it would have a gap in its curves."""
    path = tmp_path / "last.ckpt"
    WholeCheckpoints().save_checkpoint({"epoch": 0}, checkpoints.written(path))
    checkpoints.settle(path)
    assert checkpoints.last_whole(path) is None
    checkpoints.promote(path)
    assert checkpoints.last_whole(path) == path


def test_nothing_is_written_anywhere_else(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small or foreign temporary directory has no part in it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not there"))
    WholeCheckpoints().save_checkpoint({"epoch": 2}, path)
    assert checkpoints.read(path) == {"epoch": 2}


def test_a_write_that_fails_leaves_what_was_there(path: Path) -> None:
    with pytest.raises((AttributeError, TypeError)):
        WholeCheckpoints().save_checkpoint({"epoch": lambda: 2}, path)  # can't be pickled
    assert checkpoints.read(path)["epoch"] == 1
    assert len(list(path.parent.iterdir())) == 2


def test_every_cut_and_every_flipped_bit_is_seen(path: Path) -> None:
    written = path.read_bytes()
    assert torch.load(path, weights_only=True)["epoch"] == 1, "by anybody"
    for size in range(0, len(written), 97):
        path.write_bytes(written[:size])
        assert not checkpoints.is_whole(path) or size >= len(written) - checkpoints.LENGTH, size
    for place in range(len(written)):
        path.write_bytes(flipped(written, place))
        if not checkpoints.is_whole(path):
            continue
        assert place >= len(written) - checkpoints.LENGTH, "what it adds up to is all that can't be read any more"
        assert checkpoints.read(path)["epoch"] == 1
    path.write_bytes(flipped(written, 300))
    assert checkpoints.last_whole(path) == checkpoints.before(path)
    with pytest.raises(UserError, match=r"last.ckpt can't be read: it is missing or damaged"):
        checkpoints.read(path)


def flipped(content: bytes, place: int) -> bytes:
    damaged = bytearray(content)
    damaged[place] ^= 1 << place % 8
    return bytes(damaged)


def test_checkpoints_of_before_are_read(path: Path) -> None:
    torch.save({"epoch": 7, "weights": torch.arange(1000.0)}, path)
    assert checkpoints.read(path)["epoch"] == 7
    written = path.read_bytes()
    path.write_bytes(flipped(written, written.index(torch.arange(990.0, 1000.0).numpy().tobytes())))
    assert not checkpoints.is_whole(path)


def test_what_is_no_training_is_one_line(path: Path) -> None:
    torch.save([1, 2], path)
    with pytest.raises(UserError, match="it holds no training"):
        checkpoints.read(path)
    torch.save({"epoch": Harmful()}, path)
    with pytest.raises(UserError, match="can't be read") as raised:
        checkpoints.read(path)
    assert "\n" not in str(raised.value)
    assert not Harmful.ran


class Harmful:
    ran = False

    def __reduce__(self) -> Any:
        return setattr, (Harmful, "ran", True)
