"""Runs in every state, as the report reads them, and the tidy table that they make."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from invented_pages import row_of

from facet.measures.registry import MEASURES
from facet.pages import PageRow
from facet.report.cells import cell
from facet.results import Line, Result, read_run
from facet.rows import read_rows, table

Make = Callable[..., tuple[int, Path]]


def test_states(tmp_path: Path, make_run: Make) -> None:
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


def test_stale_results_of_a_run_that_failed_afterwards_do_not_count(make_run: Make) -> None:
    _, directory = make_run("ours")
    (directory / "status.json").write_text(json.dumps({"status": "failed", "error": "out of memory"}))
    result = read_run("ours", 0, directory)
    assert (result.state, result.content, result.lines) == ("failed", {}, [])


def test_seeds_spread_and_their_intervals_span(make_run: Make) -> None:
    row = row_of(*(make_run("ours", seed, off=off) for seed, off in enumerate((0.90, 0.92, 0.94))))
    spread = row.spread("edit_off")
    assert spread
    assert spread.mean == pytest.approx(0.92)
    assert spread.sd == pytest.approx(0.02)
    assert spread.low is not None
    assert spread.high is not None
    assert spread.low < 0.90 < 0.94 < spread.high
    assert spread.n == (1500, 1500, 1500)


def test_what_no_seed_has_is_no_number(make_run: Make) -> None:
    spread = row_of(make_run("ours")).spread("code_size")
    assert not spread
    assert str(cell(spread)) == "–"


def test_a_row_is_interpretable_only_with_every_seed(make_run: Make) -> None:
    good, bad = make_run("ours", 0), make_run("ours", 1, reconstruction=(0.99, 0.88))
    row = row_of(good, bad)
    assert not row.interpretable
    assert [result.seed for result in row.undertrained] == [1]
    assert row_of(good).interpretable


def test_a_diverged_run_is_named_as_such(make_run: Make) -> None:
    good, bad = make_run("ours", 0), make_run("ours", 1, mse=None, reconstruction=(0.0, 1.0))
    row = row_of(good, bad)
    assert [result.seed for result in row.diverged] == [1]
    assert not row.interpretable
    assert not row_of(good).diverged


def test_rows_come_in_the_pages_order_with_runs_or_without(make_run: Make) -> None:
    rows = read_rows({"a": PageRow("A", ""), "b": PageRow("B", "")}, {"b": [make_run("b")]})
    assert [(row.key, row.title, row.reason) for row in rows] == [("a", "A", "never run"), ("b", "B", "")]


def test_metrics_are_sparse_and_may_be_cut_off(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(
        "epoch,step,train/kl,val/mse\n0,10,0.5,\n0,10,,0.02\n1,20,nan,\n1,30,0.2,0.0\n1,40,0.2,0."
    )
    metrics = read_run("ours", 0, tmp_path).metrics()
    assert metrics == {"train/kl": [(10, 0.5), (30, 0.2)], "val/mse": [(10, 0.02), (30, 0.0)]}


# The tidy table


def staged(path: Path, sizes: tuple[int, ...]) -> None:
    """Give a run's results stages of these sizes, of growing MSE 0.1, 0.2, …; the last is the run itself."""
    content = json.loads((path / "results.json").read_text())
    stages: list[dict[str, Any]] = [
        {**content["measures"], "parameters": 1000 * size, "nuisance": size, "mse": {"value": 0.1 * (i + 1), "n": 10}}
        for i, size in enumerate(sizes)
    ]
    content["measures"] = {**stages[-1], "stages": stages}
    content["training"]["parameters"] = {"network": 1000 * sizes[-1]}
    (path / "results.json").write_text(json.dumps(content))


def lines_of(result: Result, measure: str) -> list[Line]:
    """The lines of one measure."""
    return [line for line in result.lines if line.measure == measure]


def test_a_number_is_a_line_with_its_interval_and_n(make_run: Make) -> None:
    seed, path = make_run("ours", 3, off=0.9, mse=0.0123)
    result = read_run("ours", seed, path)
    (mse,), (off,) = lines_of(result, "mse"), lines_of(result, "edit_off")
    assert mse == Line("ours", 3, None, "", "", "mse", 0.0123, None, None, 3000)
    assert off[:7] == ("ours", 3, None, "Smiling", "", "edit_off", 0.9)
    assert off.n == 1500
    assert (off.low or 1) < 0.9 < (off.high or 0)
    flips = lines_of(result, "drift_on")
    assert [line.other for line in flips] == ["Eyeglasses", "Mustache", "Wearing_Hat", "Black_Hair"]
    assert {line.measure for line in result.lines} <= set(MEASURES)


def test_a_number_is_there_once(make_run: Make) -> None:
    seed, path = make_run("ours")
    staged(path, (8, 16))
    places = [line[:6] for line in read_run("ours", seed, path).lines]
    assert len(places) == len(set(places))


def test_stages_are_lines_and_what_training_took_is_of_the_last(make_run: Make) -> None:
    seed, path = make_run("student")
    staged(path, (8, 16, 32))
    row = row_of((seed, path), key="student")
    assert row.stages == 3
    (result,) = row.evaluated
    assert [line.value for line in lines_of(result, "mse")] == pytest.approx([0.3, 0.1, 0.2, 0.3]), "as it ended first"
    assert [line.stage for line in lines_of(result, "mse")] == [None, 0, 1, 2]
    assert [(line.stage, line.value) for line in lines_of(result, "parameters")] == [
        *((None, 32000.0), (0, 8000.0), (1, 16000.0), (2, 32000.0)),
    ]
    assert [line.stage for line in lines_of(result, "seconds")] == [None, 2]
    assert row.at(0).spread("mse").mean == pytest.approx(0.1)
    assert row.at(-1).spread("mse").mean == row.spread("mse").mean == pytest.approx(0.3)


def test_a_run_without_stages_has_no_other_than_as_it_ended(make_run: Make) -> None:
    row = row_of(make_run("ours", mse=0.25))
    assert (row.stages, row.at(0).spread("mse").mean, row.at(-1).spread("mse").mean) == (0, 0.25, 0.25)


def test_the_table_holds_the_evaluated_runs_alone(make_run: Make, tmp_path: Path) -> None:
    found = {"ours": [make_run("ours"), (1, tmp_path / "nowhere")]}
    rows = read_rows({"ours": PageRow("A", ""), "b": PageRow("B", "")}, found)
    assert {(line.row, line.seed) for line in table(rows)} == {("ours", 0)}
