"""The report's files: complete, self-contained, and made whatever became of the runs."""

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from facet.pages import load
from facet.report.page import write
from facet.results import Line
from facet.rows import read_rows, table, to_csv

Make = Callable[..., tuple[int, Path]]
Found = Mapping[str, Sequence[tuple[int, Path]]]
PAGE = load("table1")
HEADER = "row,seed,stage,attribute,other,measure,value,low,high,n"


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
def runs(shared_run: Make) -> Found:
    """All four rows, one seed each."""
    given = {"ours": {}, "no_aux": {"off": 0.3, "on": 0.7}, "rec_class": {}, "icgan": {"reconstruction": (0.95, 0.7)}}
    return {key: [shared_run(key, **numbers)] for key, numbers in given.items()}


@pytest.fixture(scope="module")
def report(runs: Found, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the report of all four rows."""
    return write(PAGE, runs, tmp_path_factory.mktemp("report"), ["make reproduce-table1"]).parent


def section(html: str, key: str) -> str:
    """A section of a page."""
    return re.split(rf'<section [^>]*\bid="{key}"[^>]*>', html)[1].split("</section>")[0]


def failed(directory: Path, error: str) -> Path:
    """A run that failed."""
    directory.mkdir()
    (directory / "status.json").write_text(json.dumps({"status": "failed", "error": error}))
    return directory


def test_csv_has_a_line_for_every_number_of_every_row_and_seed(make_run: Make, tmp_path: Path) -> None:
    ours = [make_run("ours", 0, off=0.9, mse=0.0123, leak=(0.04, 0.5)), (1, failed(tmp_path / "failed", "boom"))]
    rows = read_rows(PAGE.rows, {"ours": ours, "icgan": [make_run("icgan", 0, classifier=False)]})
    text = to_csv(table(rows))
    assert text.splitlines()[0] == HEADER == ",".join(Line._fields)
    lines = list(csv.DictReader(text.splitlines()))
    assert {(line["row"], line["seed"]) for line in lines} == {("ours", "0"), ("icgan", "0")}, "the other has no number"
    first = {line["measure"]: line for line in lines if (line["row"], line["other"], line["stage"]) == ("ours", "", "")}
    numbers = {name: float(line["value"]) for name, line in first.items()}
    assert {line["attribute"] for line in lines} == {"Smiling", ""}
    assert numbers["mse"] == 0.0123
    assert (numbers["edit_off"], first["edit_off"]["n"]) == (0.9, "1500")
    assert float(first["edit_off"]["low"]) < 0.9 < float(first["edit_off"]["high"])
    assert (numbers["reconstruction_on"], numbers["reconstruction_off"]) == (0.97, 0.96)
    assert (numbers["leakage_bits_sample"], numbers["leakage_bits_mean"]) == (0.04, 0.5)
    assert (numbers["accuracy"], numbers["judge_accuracy"]) == (0.97, 0.996)
    assert first["mse"]["low"] == first["mse"]["attribute"] == "", "empty where there is nothing"
    assert "accuracy" not in {line["measure"] for line in lines if line["row"] == "icgan"}


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
    for key in ("table", "claims", "faces", "curves", "leakage", "cells", "classifier", "judge", "drift", "cost"):
        assert f'<section id="{key}">' in html
    assert "57.0–93.4%" in section(html, "table"), "the interval of the published 13/16"
    assert "edits can’t be interpreted yet" in section(html, "table")
    assert "c0ffee1234567890" in section(html, "rerun")
    names = {path.name for path in report.iterdir()}
    assert names == {
        *("index.html", "table.csv", "table.md", "table.tex", "rates.png", "rates.pdf", "curves.png", "curves.pdf"),
        *(f"grid-{row}-seed0.png" for row in PAGE.rows),
    }


def test_a_page_shows_its_sections_in_its_files_order(report: Path) -> None:
    shown = re.findall(r'<section id="(\w+)">', (report / "index.html").read_text("utf-8"))
    assert shown == [key for key in [*PAGE.sections, "rerun"] if key in shown]


def test_rows_beside_the_page_have_a_section_of_their_own(runs: Found, make_run: Make, tmp_path: Path) -> None:
    beside = {
        "every_layer": [make_run("every_layer", on=0.9, mse=0.0432)],
        "every_layer_no_aux": [(0, tmp_path / "nowhere")],
    }
    without = write(PAGE, runs, tmp_path / "without", []).read_text("utf-8")
    page = write(PAGE, {**runs, **beside}, tmp_path / "with", [])
    html = page.read_text("utf-8")
    assert Elements(html).open == []
    assert "0.0432" in section(html, "variations")
    assert "y at every layer, without" in html
    assert "facet-reproduce table1 beside=true" in without, "how they are made"
    assert "0.0432" not in without
    assert (page.parent / "grid-every_layer-seed0.png").is_file()
    for name in ("table.md", "table.tex"):
        assert (page.parent / name).read_text() == (tmp_path / "without" / name).read_text()
    more = (page.parent / "table.csv").read_text().removeprefix((tmp_path / "without" / "table.csv").read_text())
    assert {line.split(",")[0] for line in more.splitlines()} == {"every_layer"}


def test_failed_and_missing_rows_still_make_a_page(make_run: Make, tmp_path: Path) -> None:
    error = "FloatingPointError: <loss> is NaN at step 12\nTraceback: secret"
    found = {
        "ours": [make_run("ours")],
        "no_aux": [(0, failed(tmp_path / "failed", error))],
        "rec_class": [(0, tmp_path / "nowhere")],
    }
    html = write(PAGE, found, tmp_path / "out", []).read_text("utf-8")
    assert "FloatingPointError: &lt;loss&gt; is NaN at step 12" in section(html, "missing")
    assert "secret" not in html
    assert "✗ failed" in html
    assert html.count("✗ never run") >= 2
    assert "(4) IcGAN: never run" in html, "of which no run was looked for"
    assert "(failed)" in (tmp_path / "out" / "table.md").read_text("utf-8")


def test_no_run_at_all_makes_a_page(tmp_path: Path) -> None:
    html = write(PAGE, {}, tmp_path / "out", []).read_text("utf-8")
    assert "nothing to report" in html
    assert (tmp_path / "out" / "table.csv").read_text() == HEADER + "\n"


def test_several_seeds_show_mean_and_deviation(make_run: Make, tmp_path: Path) -> None:
    seeds = [make_run("ours", seed, off=off) for seed, off in enumerate((0.90, 0.92, 0.94))]
    html = write(PAGE, {"ours": seeds}, tmp_path / "out", []).read_text("utf-8")
    assert "92.0 ± 2.0%" in html
    assert section(html, "seeds").count('scope="row"') >= 3
    assert r"92.0 $\pm$ 2.0\%" in (tmp_path / "out" / "table.tex").read_text("utf-8")


def test_latex_and_markdown_hold_ours_beside_published(report: Path) -> None:
    tex = (report / "table.tex").read_text("utf-8")
    assert all(rule in tex for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\mathcal{L}_{\mathrm{aux}}"))
    assert r"81.3\% (57.0--93.4\%)" in tex
    lines = [line for line in tex.splitlines() if line.endswith(r"\\")]
    assert len(lines) == 5
    assert {line.count(" & ") for line in lines} == {11}
    markdown = (report / "table.md").read_text("utf-8")
    assert "| (1) IFcVAE-GAN (ours) | 0.0112 | 0.028 | 97.0%" in markdown
    assert r"9.9%\*" in markdown, "what people rated has an asterisk"


def test_the_same_runs_give_the_same_bytes_and_old_grids_go(runs: Found, report: Path, tmp_path: Path) -> None:
    (tmp_path / "grid-gone-seed7.png").write_bytes(b"")
    write(PAGE, runs, tmp_path, ["make reproduce-table1"])
    before, after = ({path.name: path.read_bytes() for path in each.iterdir()} for each in (report, tmp_path))
    assert before == after


def test_a_page_that_can_not_be_written_leaves_the_one_before(
    make_run: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file is whole, of before or of now, and the page itself comes last."""
    page = replace(PAGE, sections={"table": PAGE.sections["table"]})
    write(page, {"ours": [make_run("ours", 0, mse=0.0111)]}, tmp_path / "out", [])
    before = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    from facet.report import page as module

    def put(file: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(module, "methodcaller", lambda *written: put)
    with pytest.raises(OSError, match="no space left"):
        write(page, {"ours": [make_run("ours", 1, mse=0.0222)]}, tmp_path / "out", [])
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == before
