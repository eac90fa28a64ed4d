"""The report's files: complete, self-contained, and made whatever became of the runs."""

import csv
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from facet.report.page import write_report
from facet.report.results import read_rows
from facet.report.tables import COLUMNS, RowRuns, TableSpec, to_csv

Make = Callable[..., tuple[int, Path]]
TABLE = TableSpec.of("table1")
TITLES = dict(TABLE.rows)
HEADER = (
    "row,seed,attribute,protocol,mse,reconstruction_on,reconstruction_off,edit_off,edit_off_low,edit_off_high,edit_on,edit_on_low,"
    "edit_on_high,n,accuracy,leakage_bits_sample,leakage_bits_mean,judge_accuracy"
)


class Elements(HTMLParser):
    """Every element's name and attributes, and a check that each is closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "source", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def runs(shared_run: Make) -> list[RowRuns]:
    """All four rows, one seed each."""
    given = {"ours": {}, "no_aux": {"off": 0.3, "on": 0.7}, "rec_class": {}, "icgan": {"reconstruction": (0.95, 0.7)}}
    return [RowRuns(key, TITLES[key], [shared_run(key, **numbers)]) for key, numbers in given.items()]


@pytest.fixture(scope="module")
def report(runs: list[RowRuns], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the report of all four rows."""
    return write_report(TABLE, runs, tmp_path_factory.mktemp("report"), ["make reproduce-table1"]).parent


def test_csv_has_the_columns_and_a_line_per_row_and_seed(make_run: Make, tmp_path: Path) -> None:
    failed = tmp_path / "failed"
    failed.mkdir()
    (failed / "status.json").write_text(json.dumps({"status": "failed", "error": "boom"}))
    ours = [make_run("ours", 0, off=0.9, mse=0.0123, leak=(0.04, 0.5)), (1, failed)]
    icgan = [make_run("icgan", 0, classifier=False)]
    given = [RowRuns("ours", TITLES["ours"], ours), RowRuns("icgan", TITLES["icgan"], icgan)]
    text = to_csv(read_rows(given, ()))
    assert text.splitlines()[0] == HEADER == ",".join(COLUMNS)
    first, second, third = csv.DictReader(text.splitlines())
    numbers = {key: float(value) for key, value in first.items() if key not in ("row", "attribute", "protocol")}
    assert (first["row"], first["attribute"], first["protocol"]) == ("ours", "Smiling", "paper")
    assert numbers["mse"] == 0.0123
    assert (numbers["edit_off"], numbers["n"]) == (0.9, 1500)
    assert numbers["edit_off_low"] < 0.9 < numbers["edit_off_high"]
    assert (numbers["reconstruction_on"], numbers["reconstruction_off"]) == (0.97, 0.96)
    assert (numbers["leakage_bits_sample"], numbers["leakage_bits_mean"]) == (0.04, 0.5)
    assert (numbers["accuracy"], numbers["judge_accuracy"]) == (0.97, 0.996)
    assert (second["row"], second["seed"]) == ("ours", "1")
    assert set(list(second.values())[2:]) == {""}
    assert (third["row"], third["accuracy"]) == ("icgan", "")


def test_page_is_well_formed_and_loads_nothing(report: Path) -> None:
    html = (report / "index.html").read_text("utf-8")
    elements = Elements(html)
    assert elements.open == []
    for tag, attributes in elements.found:
        assert tag not in ("script", "iframe", "object")
        for name in ("src", "srcset", "href"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, name)
        if tag == "img":
            assert attributes["alt"]
    assert not re.search(r"https?://|@import|url\(", html)
    assert "make reproduce-table1" in html


def test_everything_a_reader_needs_is_on_the_page(report: Path) -> None:
    html = (report / "index.html").read_text("utf-8")
    for section in ("table", "findings", "faces", "curves", "leakage", "cells", "classifier", "judge", "drift", "cost"):
        assert f'<section id="{section}">' in html
    assert "57.0–93.4%" in html  # the interval of the published 13/16
    assert "edits can’t be interpreted yet" in html
    assert "c0ffee1234567890" in html
    names = {path.name for path in report.iterdir()}
    assert names == {
        *("index.html", "table.csv", "table.md", "table.tex", "rates.png", "rates.pdf", "curves.png", "curves.pdf"),
        *(f"grid-{row}-seed0.png" for row in TITLES),
    }


def test_rows_beside_the_table_have_a_section_of_their_own(runs: list[RowRuns], make_run: Make, tmp_path: Path) -> None:
    assert TABLE.beside is not None
    titles = TABLE.beside.rows
    beside = [
        RowRuns("every_layer", titles["every_layer"], [make_run("every_layer", on=0.9, mse=0.0432)]),
        RowRuns("every_layer_no_aux", titles["every_layer_no_aux"], [(0, tmp_path / "nowhere")]),
    ]
    without = write_report(TABLE, runs, tmp_path / "without", []).read_text("utf-8")
    page = write_report(TABLE, [*runs, *beside], tmp_path / "with", [])
    html = page.read_text("utf-8")
    assert Elements(html).open == []
    section = html[html.index('<section id="variations">') :]
    assert 0 < section.index("0.0432") < section.index("</section>")
    assert "y at every layer, without" in section
    assert "make reproduce-table1-beside" in without
    assert "0.0432" not in without
    assert (page.parent / "grid-every_layer-seed0.png").is_file()
    for name in ("table.csv", "table.md", "table.tex"):
        assert (page.parent / name).read_text() == (tmp_path / "without" / name).read_text()


def test_failed_and_missing_rows_still_make_a_page(make_run: Make, tmp_path: Path) -> None:
    failed = tmp_path / "failed"
    failed.mkdir()
    error = "FloatingPointError: <loss> is NaN at step 12\nTraceback: secret"
    (failed / "status.json").write_text(json.dumps({"status": "failed", "error": error}))
    given = [
        RowRuns("ours", TITLES["ours"], [make_run("ours")]),
        RowRuns("no_aux", TITLES["no_aux"], [(0, failed)]),
        RowRuns("rec_class", TITLES["rec_class"], [(0, tmp_path / "nowhere")]),
    ]
    html = write_report(TABLE, given, tmp_path / "out", []).read_text("utf-8")
    assert "FloatingPointError: &lt;loss&gt; is NaN at step 12" in html
    assert "secret" not in html
    assert "✗ failed" in html
    assert html.count("✗ never run") >= 2
    assert "(failed)" in (tmp_path / "out" / "table.md").read_text("utf-8")


def test_no_run_at_all_makes_a_page(tmp_path: Path) -> None:
    html = write_report(TABLE, [], tmp_path / "out", []).read_text("utf-8")
    assert "nothing to report" in html
    assert (tmp_path / "out" / "table.csv").read_text() == HEADER + "\n"


def test_several_seeds_show_mean_and_deviation(make_run: Make, tmp_path: Path) -> None:
    seeds = [make_run("ours", seed, off=off) for seed, off in enumerate((0.90, 0.92, 0.94))]
    html = write_report(TABLE, [RowRuns("ours", TITLES["ours"], seeds)], tmp_path / "out", []).read_text("utf-8")
    assert "92.0 ± 2.0%" in html
    assert '<section id="seeds">' in html
    assert r"92.0 $\pm$ 2.0\%" in (tmp_path / "out" / "table.tex").read_text("utf-8")


def test_latex_and_markdown_hold_ours_beside_published(report: Path) -> None:
    tex = (report / "table.tex").read_text("utf-8")
    assert all(rule in tex for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\mathcal{L}_{\mathrm{aux}}"))
    assert r"81.3\% (57.0--93.4\%)" in tex
    lines = [line for line in tex.splitlines() if line.endswith(r"\\")]
    assert {line.count(" & ") for line in lines} == {7}
    markdown = (report / "table.md").read_text("utf-8")
    assert "| published | 0.028 |" in markdown


def test_the_same_runs_give_the_same_bytes_and_old_grids_go(runs: list[RowRuns], report: Path, tmp_path: Path) -> None:
    (tmp_path / "grid-gone-seed7.png").write_bytes(b"")
    write_report(TABLE, runs, tmp_path, ["make reproduce-table1"])
    before, after = ({path.name: path.read_bytes() for path in each.iterdir()} for each in (report, tmp_path))
    assert before == after
