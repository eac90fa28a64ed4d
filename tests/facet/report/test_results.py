"""Runs in every state, as the report reads them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from facet.report.results import RowRuns, read_rows, read_run


def test_states(tmp_path: Path, make_run: Callable[..., tuple[int, Path]]) -> None:
    _, evaluated = make_run("ours")
    assert read_run("ours", 0, evaluated).state == "evaluated"
    assert read_run("ours", 0, tmp_path / "nowhere").state == "never run"

    failed = tmp_path / "failed"
    failed.mkdir()
    (failed / "status.json").write_text(json.dumps({"status": "failed", "error": "ValueError: no\nTraceback"}))
    result = read_run("ours", 0, failed)
    assert (result.state, result.error) == ("failed", "ValueError: no")

    (failed / "status.json").write_text(json.dumps({"status": "finished", "error": None}))
    assert read_run("ours", 0, failed).state == "not evaluated"


@pytest.mark.parametrize("text", ["{", '{"schema": 1}', '{"schema": 2, "split": "val"}'])
def test_broken_or_foreign_results_are_unreadable_and_say_why(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text)
    result = read_run("ours", 0, tmp_path)
    assert result.state == "unreadable"
    assert "results.json" in result.error


def test_stale_results_of_a_run_that_failed_afterwards_do_not_count(make_run: Callable[..., tuple[int, Path]]) -> None:
    _, directory = make_run("ours")
    (directory / "status.json").write_text(json.dumps({"status": "failed", "error": "out of memory"}))
    result = read_run("ours", 0, directory)
    assert (result.state, result.content) == ("failed", {})


def test_seeds_spread_and_their_intervals_span(make_run: Callable[..., tuple[int, Path]]) -> None:
    runs = [make_run("ours", seed, off=off) for seed, off in enumerate((0.90, 0.92, 0.94))]
    row = read_rows([RowRuns("ours", "(1)", runs)], ())[0]
    spread = row.spread("edit_off")
    assert spread is not None
    assert spread.mean == pytest.approx(0.92)
    assert spread.sd == pytest.approx(0.02)
    assert spread.low is not None
    assert spread.high is not None
    assert spread.low < 0.90 < 0.94 < spread.high
    assert spread.n == (1500, 1500, 1500)


def test_a_row_is_interpretable_only_with_every_seed(make_run: Callable[..., tuple[int, Path]]) -> None:
    good, bad = make_run("ours", 0), make_run("ours", 1, reconstruction=(0.99, 0.88))
    row = read_rows([RowRuns("ours", "(1)", [good, bad])], ())[0]
    assert not row.interpretable
    assert [result.seed for result in row.undertrained] == [1]
    assert read_rows([RowRuns("ours", "(1)", [good])], ())[0].interpretable


def test_a_diverged_run_is_named_as_such(make_run: Callable[..., tuple[int, Path]]) -> None:
    good, bad = make_run("ours", 0), make_run("ours", 1, mse=None, reconstruction=(0.0, 1.0))
    row = read_rows([RowRuns("ours", "(1)", [good, bad])], ())[0]
    assert [result.seed for result in row.diverged] == [1]
    assert not row.interpretable
    assert not read_rows([RowRuns("ours", "(1)", [good])], ())[0].diverged


def test_rows_come_in_the_tables_order_and_all_of_them(make_run: Callable[..., tuple[int, Path]]) -> None:
    given = [RowRuns("extra", "more", [make_run("extra")]), RowRuns("b", "B", [make_run("b")])]
    rows = read_rows(given, (("a", "A"), ("b", "b by the table")))
    assert [(row.key, row.title) for row in rows] == [("a", "A"), ("b", "B"), ("extra", "more")]
    assert rows[0].reason == "never run"


def test_metrics_are_sparse_and_may_be_cut_off(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(
        "epoch,step,train/kl,val/mse\n0,10,0.5,\n0,10,,0.02\n1,20,nan,\n1,30,0.2,0.0\n1,40,0.2,0."
    )
    metrics = read_run("ours", 0, tmp_path).metrics()
    assert metrics == {"train/kl": [(10, 0.5), (30, 0.2)], "val/mse": [(10, 0.02), (30, 0.0)]}
