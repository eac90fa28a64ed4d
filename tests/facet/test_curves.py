"""``metrics.csv``: kept as far as a run goes on from it, and whole wherever it was cut off."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from facet.curves import CurvesLogger
from facet.metrics import rows


def log(path: Path, batches: int, *values: tuple[int, dict[str, float]]) -> None:
    logger = CurvesLogger(path, batches)
    for step, metrics in values:
        logger.log_metrics(metrics, step=step)
        logger.save()


FIRST = ((10, {"train/kl": 1.0, "epoch": 0}), (20, {"val/mse": 0.5, "epoch": 0}), (25, {"train/kl": 9.0, "epoch": 1}))


def test_a_resumed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    """What was logged of batches that will be trained again is forgotten; a new name gets a column."""
    log(tmp_path, 0, *FIRST)
    log(tmp_path, 21, (30, {"val/mse": 0.25, "val/new": 3.0, "epoch": 1}))
    found = rows(tmp_path / "metrics.csv")
    assert [row["step"] for row in found] == ["10", "20", "30"]
    assert [row.get("val/mse") for row in found] == [None, "0.5", "0.25"]
    assert found[2]["val/new"] == "3.0"


def test_a_new_run_begins_with_nothing(tmp_path: Path) -> None:
    log(tmp_path, 0, *FIRST)
    CurvesLogger(tmp_path)
    assert not (tmp_path / "metrics.csv").exists()


def test_a_file_cut_off_anywhere_keeps_its_whole_lines(tmp_path: Path) -> None:
    log(tmp_path, 0, *FIRST)
    file = tmp_path / "metrics.csv"
    whole, written = rows(file), file.read_bytes()
    for size in range(len(written)):
        file.write_bytes(written[:size])
        found = rows(file)
        assert found == whole[: len(found)], size
        assert len(found) == max(0, written[:size].count(b"\n") - 1), size
        log(tmp_path, 100, (30, {"train/kl": 2.0, "epoch": 1}))
        assert [row["step"] for row in rows(file)] == [*(row["step"] for row in found), "30"], size


def test_a_damaged_file_stops_nothing(tmp_path: Path) -> None:
    log(tmp_path, 0, *FIRST)
    file = tmp_path / "metrics.csv"
    written, chance = file.read_bytes(), random.Random(0)
    for _ in range(300):
        damaged = bytearray(written)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        file.write_bytes(damaged)
        log(tmp_path, 100, (30, {"train/kl": 2.0}))
        assert rows(file)[-1] == {"step": "30", "train/kl": "2.0"}


def test_a_new_column_never_costs_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log(tmp_path, 0, *FIRST)
    before = (tmp_path / "metrics.csv").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    logger = CurvesLogger.__new__(CurvesLogger)
    with pytest.raises(OSError, match="No space"):
        logger.__init__(tmp_path, 100)  # type: ignore[misc]
    assert (tmp_path / "metrics.csv").read_bytes() == before
