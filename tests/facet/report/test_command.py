"""``facet-report``'s W&B run: the table as a table, the grids as images, offline and without a question."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facet.configuration import compose_config
from facet.report.command import commands, fingerprint, log_table
from facet.report.results import RowRuns
from facet.tables import table_runs


def test_the_table_and_the_grids_reach_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_SILENT", "true")
    with (tmp_path / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["row", "seed", "edit_on"], ["ours", 0, 0.97], ["icgan", 1, ""]])
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "grid-ours-seed0.png")
    log_table(compose_config("report", ["pages=[table1]", 'overrides=["preset=embedded"]']), tmp_path)
    (logged,) = tmp_path.glob("wandb/offline-run-*/files/media/table/table1*.table.json")
    table = json.loads(logged.read_text())
    assert table["columns"] == ["row", "seed", "edit_on"]
    assert table["data"] == [["ours", 0, 0.97], ["icgan", 1, None]]
    assert len(list(tmp_path.glob("wandb/offline-run-*/files/media/images/grids*.png"))) == 1


def test_nothing_is_logged_where_wandb_is_off(tmp_path: Path) -> None:
    log_table(compose_config("report", ["pages=[table1]", "logger=csv"]), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_commands_name_the_rows_beside_the_table_that_there_are(tmp_path: Path) -> None:
    from facet.identity import run_directory

    config = compose_config("report", ["pages=[table1]", f"runs={tmp_path}", "seeds=[0,1]"])
    rows = [*config.table.experiments]
    assert not any("every_layer" in command for command in commands(config, rows))
    assert {row for row, *_ in table_runs(config)} == set(rows)
    beside = compose_config("train", [config.table.beside.every_layer, f"runs={tmp_path}"])
    run_directory(beside).mkdir(parents=True)
    rows = [row for row, *_ in table_runs(config)]
    assert commands(config, rows)[3:5] == [
        *("facet-train -m model=icgan seed=0,1", "facet-train -m ablation=every_layer seed=0,1")
    ]


def test_a_page_is_made_again_when_what_it_is_made_from_is_other_and_not_by_times(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    rows = [RowRuns("ours", "ours", ((0, tmp_path),))]
    found = []
    for text, time in (("{}", 1), ("{}", 2), ("[]", 2)):
        results.write_text(text)
        os.utime(results, (time, time))
        found.append(fingerprint(rows, []))
    assert found[0] == found[1] != found[2]
    assert fingerprint(rows, ["facet-train"]) != found[2]
