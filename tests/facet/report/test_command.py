"""``facet-report``'s commands and W&B run: the table as a table, the grids as images, and nobody is asked."""

from __future__ import annotations

import csv
import json
import os
import shlex
from pathlib import Path

import numpy as np
import pytest
from omegaconf import DictConfig
from PIL import Image

from facet.configuration import compose_config
from facet.identity import run_directory
from facet.page_runs import page_runs, training
from facet.pages import load, names
from facet.report.command import commands, fingerprint, report_page
from facet.runs import Run
from facet.wandb_table import log_table

PAGE = load("table1")


def asked(*said: str) -> DictConfig:
    """``facet-report``'s config."""
    return compose_config("report", list(said))


def test_the_table_and_the_grids_reach_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_SILENT", "true")
    with (tmp_path / "table.csv").open("w", newline="") as file:
        lines = [["row", "seed", "measure", "value"], ["ours", 0, "edit_on", 0.97], ["icgan", 1, "mse", ""]]
        csv.writer(file).writerows(lines)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "grid-ours-seed0.png")
    log_table(PAGE, asked('overrides=["preset=embedded"]'), tmp_path)
    (logged,) = tmp_path.glob("wandb/offline-run-*/files/media/table/table1*.table.json")
    table = json.loads(logged.read_text())
    assert table["columns"] == ["row", "seed", "measure", "value"]
    assert table["data"] == [["ours", 0, "edit_on", 0.97], ["icgan", 1, "mse", None]]
    assert len(list(tmp_path.glob("wandb/offline-run-*/files/media/images/grids*.png"))) == 1


def test_nothing_is_logged_where_wandb_is_off(tmp_path: Path) -> None:
    log_table(PAGE, asked("logger=csv"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_commands_name_the_rows_beside_the_page_that_there_are(tmp_path: Path) -> None:
    config = asked(f"runs={tmp_path}", "seeds=[0,1]")
    assert not [line for line in commands(PAGE, config, PAGE.rows) if "every_layer" in line]
    assert set(page_runs(PAGE, config)) == set(PAGE.rows)
    run_directory(compose_config("train", [*PAGE.beside["every_layer"].run.split(), f"runs={tmp_path}"])).mkdir(
        parents=True
    )
    found = page_runs(PAGE, config)
    assert set(found) == {*PAGE.rows, "every_layer"}
    assert commands(PAGE, config, found)[len(PAGE.rows)] == f"facet-train -m {PAGE.beside['every_layer'].run} seed=0,1"


@pytest.mark.parametrize("name", names())
def test_the_commands_say_what_the_page_looks_for(name: str, tmp_path: Path) -> None:
    page = load(name)
    config = asked(f"runs={tmp_path}", 'overrides=["data=celeba","preset=paper"]')
    *trained, evaluating, reporting = map(shlex.split, commands(page, config, page.rows))
    for words, row in zip(trained, page.rows.values(), strict=True):
        said = [each for each in training(row, 0, config, page) if not each.startswith("runs=")]
        assert words == ["facet-train", "-m", *said]
        assert ("data=celeba" in words) == page.data
    said = [name, "seeds=0", "data=celeba", "preset=paper"]
    assert (evaluating, reporting) == (["facet-evaluate", *said], ["facet-report", *said])


@pytest.mark.parametrize("name", ["table2", "jacsup-figure1"])
def test_the_commands_make_the_page_from_nothing(name: str, tmp_path: Path) -> None:
    """What they train is what the page looks for."""
    page = load(name)
    config = asked(f"runs={tmp_path}", 'overrides=["data=celeba","preset=paper"]')
    *trained, _, _ = map(shlex.split, commands(page, config, page.rows))
    made = [run_directory(compose_config("train", [*words[2:], f"runs={tmp_path}"])) for words in trained]
    assert made == [path for runs in page_runs(page, config).values() for _, path in runs]


def test_what_a_shell_would_read_is_quoted(tmp_path: Path) -> None:
    override = "data.root=/a b/$HOME"
    lines = commands(PAGE, asked(f"runs={tmp_path}", f"overrides=['{override}','attributes=[A,B]']"), PAGE.rows)
    assert all(shlex.split(line)[-2:] == [override, "attributes=[A,B]"] for line in lines)


def test_a_page_is_made_again_when_what_it_is_made_from_is_other_and_not_by_times(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    runs = {"ours": [(0, tmp_path)]}
    found = []
    for text, time in (("{}", 1), ("{}", 2), ("[]", 2)):
        results.write_text(text)
        os.utime(results, (time, time))
        found.append(fingerprint(PAGE, runs, []))
    assert found[0] == found[1] != found[2]
    assert fingerprint(PAGE, runs, ["facet-train"]) != found[2]
    assert fingerprint(load("table3"), runs, []) != found[2], "another page's file"


def test_a_page_that_is_there_is_not_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from invented_runs import results, write_run

    config = asked(f"runs={tmp_path / 'runs'}", f"reports={tmp_path}", "logger=csv")
    run = run_directory(compose_config("train", [*PAGE.rows["ours"].run.split(), f"runs={tmp_path / 'runs'}"]))
    write_run(run, results("ours", 0))
    monkeypatch.setattr("facet.report.style.save", lambda *given, **how: b"")
    index = report_page(PAGE, config)
    before = index.stat().st_mtime_ns
    capsys.readouterr()
    assert report_page(PAGE, config) == index
    assert "the page is there already" in capsys.readouterr().err
    assert index.stat().st_mtime_ns == before
    Run(run).mark("failed", error="RuntimeError: it ended")
    with pytest.raises(Exception, match="has numbers"):
        report_page(PAGE, config)
    assert "RuntimeError: it ended" in index.read_text("utf-8")


def test_how_to_make_it_is_a_command_a_row(tmp_path: Path) -> None:
    page = load("aif-kl")
    *trained, evaluating, reporting = commands(page, asked(f"runs={tmp_path}", "seeds=[0,1]"), [])
    assert trained == [f"facet-train -m {row.run} seed=0,1" for row in page.rows.values()]
    assert (evaluating, reporting) == ("facet-evaluate aif-kl seeds=0,1", "facet-report aif-kl seeds=0,1")
