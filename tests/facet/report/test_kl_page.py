"""The page of Table 1's first rows over the weight of L_KL."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from facet.configuration import compose_config
from facet.report.command import commands
from facet.report.kl_page import write_report
from facet.report.results import RowRuns
from facet.tables import table_runs

Make = Callable[..., tuple[int, Path]]


def rows_of(make_run: Make) -> list[RowRuns]:
    """With L_aux all is well; without it the picture follows y where α is large."""
    follows = {"ours-0.0002": 0.95, "ours-0.02": 0.96, "no_aux-0.0002": 0.25, "no_aux-0.02": 0.75}
    return [RowRuns(key, key, [make_run(key, off=off, on=0.95)]) for key, off in follows.items()]


def test_the_sums_over_alpha_are_said_and_drawn(make_run: Make, tmp_path: Path) -> None:
    page = write_report(
        "aif-kl", [*rows_of(make_run), RowRuns("ours-0.002", "", [(0, tmp_path / "none")])], tmp_path, []
    )
    text = re.sub("<[^>]+>", "", page.read_text("utf-8"))
    assert "Without Laux, both edit rates together: 120.0% at α = 0.0002, 170.0% at α = 0.02." in text
    assert "With Laux, both edit rates together: 190.0% at α = 0.0002, 191.0% at α = 0.02." in text
    assert {"sums.png", "sums.pdf"} <= {file.name for file in tmp_path.iterdir()}
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [(line["row"], float(line["alpha"]), float(line["edit_off"])) for line in lines] == [
        ("ours-0.0002", 0.0002, 0.95),
        ("ours-0.02", 0.02, 0.96),
        ("no_aux-0.0002", 0.0002, 0.25),
        ("no_aux-0.02", 0.02, 0.75),
    ]


def test_without_numbers_it_says_so(tmp_path: Path) -> None:
    page = write_report("aif-kl", [RowRuns("ours-0.002", "", [(0, tmp_path / "none")])], tmp_path, [])
    assert "nothing to report" in page.read_text("utf-8")


def test_its_rows_are_experiments_with_another_alpha(tmp_path: Path) -> None:
    """The row at the preset's own α is the run that Table 1 shows."""
    config = compose_config("report", ["table=aif-kl", f"runs={tmp_path}"])
    runs = {row: path for row, _, path in table_runs(config)}
    of_table1 = {path for _, _, path in table_runs(compose_config("report", ["table=table1", f"runs={tmp_path}"]))}
    preset = compose_config("train", []).model.weights.kl
    assert {row for row, path in runs.items() if path in of_table1} == {f"ours-{preset:g}", f"no_aux-{preset:g}"}


def test_how_to_make_it_is_a_command_a_row(tmp_path: Path) -> None:
    config = compose_config("report", ["table=aif-kl", f"runs={tmp_path}", "seeds=[0,1]"])
    first, *_, evaluating, _ = commands(config, [])
    assert first == "facet-train -m model.weights.kl=0.00002 seed=0,1"
    assert evaluating.startswith("facet-evaluate table=aif-kl")


@pytest.mark.parametrize("table", ["table1", "aif-figure2"])
def test_every_row_is_a_command(table: str, tmp_path: Path) -> None:
    config = compose_config("report", [f"table={table}", f"runs={tmp_path}"])
    assert len(commands(config, [])) == len(config.table.experiments) + 2
