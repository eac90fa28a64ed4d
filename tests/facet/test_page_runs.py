"""Which runs a page consists of, and what is said where there are none."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from omegaconf import DictConfig
from PIL import Image
from tiny import ONE_PASS, overrides

from facet.configuration import compose_config
from facet.errors import ToldError, UserError
from facet.evaluate import evaluate
from facet.identity import run_directory
from facet.page_runs import each_run, page_runs
from facet.pages import load
from facet.report.command import report
from facet.runs import Run
from facet.train import train


def test_a_row_without_the_key_does_not_take_the_others_along(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``make reproduce-table1 EXTRA=model.gan_share=0.5``: only IcGAN has that."""
    extra = "model.gan_share=0.5"
    trained = run_directory(compose_config("train", ["model=icgan", extra, f"runs={tmp_path}"]))
    trained.mkdir(parents=True)
    Run(trained).mark("finished")
    asked = compose_config("report", [f"runs={tmp_path}", f"overrides=['{extra}']"])
    rows = page_runs(load("table1"), asked)
    assert [(row, path.is_dir()) for row, [(_, path)] in rows.items()] == [
        *(("ours", False), ("no_aux", False), ("rec_class", False), ("icgan", True)),
    ]
    said = capsys.readouterr().err
    assert said.count("has no run: model.gan_share=0.5") == 3
    assert "icgan has no run" not in said


def test_a_key_that_no_row_has_names_the_nearest_other_one(tmp_path: Path) -> None:
    asked = [f"runs={tmp_path}", "overrides=['model.weights.kll=1']"]
    with pytest.raises(UserError, match=r"model\.weights\.kll.*nearest: .*kl"):
        page_runs(load("table1"), compose_config("report", asked))


def test_a_row_has_the_config_that_its_training_composes() -> None:
    page = load("table1")
    asked = compose_config("report", ["runs='a place/of runs'", "seeds=[3,4]", "overrides=['preset=paper']"])
    found: dict[tuple[str, int], DictConfig] = {}
    assert not each_run(page, page.rows, asked, lambda row, seed, settings: found.update({(row, seed): settings}))
    assert len(found) == 2 * len(page.rows)
    for (row, seed), settings in found.items():
        said = [*page.rows[row].run.split(), f"seed={seed}", "runs='a place/of runs'", "preset=paper"]
        assert settings == compose_config("train", said)


@pytest.mark.parametrize(("command", "primary"), [(evaluate, "evaluate"), (report, "report")])
def test_nothing_found_is_a_mistake_and_leaves_nothing(command: object, primary: str, tmp_path: Path) -> None:
    where = [f"reports={tmp_path / 'reports'}"] if primary == "report" else []
    asked = compose_config(primary, ["pages=[table1]", f"runs={tmp_path / 'nope'}", *where])
    with pytest.raises(UserError, match=r"no run of table1 is below runs=.*nope"):
        command(asked)  # type: ignore[operator]
    assert not list(tmp_path.iterdir())


def test_a_page_without_a_number_says_why_and_fails(tmp_path: Path) -> None:
    run = run_directory(compose_config("train", [f"runs={tmp_path / 'runs'}"]))
    run.mkdir(parents=True)
    Run(run).mark("failed", error="RuntimeError: the machine went down")
    places = [f"runs={tmp_path / 'runs'}", f"reports={tmp_path / 'reports'}", "logger=csv"]
    for _ in range(2):  # the second finds the page there
        with pytest.raises(ToldError, match="has numbers") as told:
            report(compose_config("report", ["pages=[table1]", *places]))
        assert told.value.code == 2
    assert "the machine went down" in (tmp_path / "reports/table1/index.html").read_text()


def test_a_test_split_of_one_class_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Everybody in the test split smiles, and nobody's age is known."""
    root = tmp_path / "faces"
    root.mkdir()
    with (root / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "Smiling", "Young", "split"])
        for i in range(60):
            split = ("train", "val", "test")[i // 20]
            Image.new("RGB", (20, 24), (200 * (i % 2), 4 * i, 30)).save(root / f"{i}.png")
            writer.writerow([f"{i}.png", 1 if split == "test" else i % 2, "" if split == "test" else i % 3 // 2, split])
    data = ["data=folder", f"data.root={root}", f"data.store={tmp_path}", "data.resolution=16", "data.crop=none"]
    short = [
        ONE_PASS,
        "data.batch_size=10",
        "attributes=[Smiling,Young]",
        "trainer.max_epochs=1",
        "callbacks.edits=null",
    ]
    chosen = [each for each in overrides(tmp_path) if not each.startswith("data.")]
    run = Run(train(compose_config("train", [*chosen, *data, *short])))
    capsys.readouterr()
    evaluate(compose_config("evaluate", [f"run={run.path}", "faces=2", "measures=[drift]"]))
    said = " ".join(capsys.readouterr().err.split())
    assert "or none is known: some or all rates of Smiling, Young are missing" in said
