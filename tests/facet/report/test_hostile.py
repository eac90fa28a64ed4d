"""Names that mean something to LaTeX, Markdown, HTML or matplotlib stand on every page as they are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from invented_pages import titled
from matplotlib.figure import Figure
from matplotlib.text import Text
from sealed import assert_sealed

from facet.configuration import compose_config
from facet.loggers import make_loggers
from facet.pages import load, names
from facet.report import markup
from facet.report.blocks import Claim, Head, Table, TableLine
from facet.report.cells import Cell
from facet.report.markup import to_latex, to_markdown
from facet.report.page import write
from facet.report.texts import drawn_symbols, placeless, symbols
from facet.results import Line, read_run
from facet.rows import to_csv
from facet.tags import tags
from facet.wandb_table import log_table

Make = Callable[..., tuple[int, Path]]
HOSTILE = r"\input{x} $\frac$ a_b <script>alert(1)</script> | `c` [d](e) 50% & ~^#"
SECOND = "_x $y$"
TEMPLATE = ("{{ 1234 * 5678 }}{% for", "{{ rows[0].results[0].directory }}")
OVERRIDE = f"data.root=/{'a-long-way/' * 12}celeba"


def renamed(found: tuple[int, Path], *names: str) -> tuple[int, Path]:
    """Give a run's results these attributes, each with the numbers of the one it had."""
    path = found[1]
    content = json.loads((path / "results.json").read_text())
    content["attribute_names"] = list(names)
    measures = content["measures"]
    measures["nuisance"] = 8
    for measure in measures.values():
        if isinstance(measure, dict) and "Smiling" in measure:
            was = measure.pop("Smiling")
            measure.update(dict.fromkeys(names, was))
    for name in names:
        flips = {**measures["drift"][name]["on"], **{other: {"value": 0.1} for other in names}}
        measures["drift"][name] = {"on": flips, "off": flips, "mean": 0.01}
        content["judge"]["accuracy"][name] = 0.99
    (path / "results.json").write_text(json.dumps(content))
    faces = np.zeros((4, 3, 16, 16), np.uint8)
    strips = dict.fromkeys(("original", "reconstruction", "off", "on", "faces", "faces_reconstruction"), faces)
    several = {"turned": np.stack([faces] * len(names)), "turned_on": np.ones((len(names), 4), bool)}
    np.savez(path / "examples.npz", **strips, **several)
    with (path / "metrics.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["epoch", "step", "val/mse", f"val/edit_on/{names[0]}"], [0, 1, 0.1, 0.5]])
    return found


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> list[Text]:
    """Every text of every figure that is saved."""
    found: list[Text] = []
    save = Figure.savefig

    def saving(figure: Figure, *arguments: Any, **settings: Any) -> None:
        save(figure, *arguments, **settings)
        found.extend(figure.findobj(Text))

    monkeypatch.setattr(Figure, "savefig", saving)
    return found


def shown_as_they_are(texts: list[Text], name: str) -> bool:
    """Whether a name was drawn, and never as mathematics."""
    named = [text for text in texts if name.split("$")[0].strip() in text.get_text().replace("\\$", "$")]
    return bool(named) and all(text._preprocess_math(text.get_text())[1] is False for text in named)  # type: ignore[attr-defined]


def test_a_table_in_every_format(make_run: Make, tmp_path: Path, texts: list[Text]) -> None:
    page = titled("table1", {"ours": f"ours {HOSTILE}"})
    directory = write(page, {"ours": [renamed(make_run("ours"), HOSTILE)]}, tmp_path, [HOSTILE]).parent
    assert shown_as_they_are(texts, HOSTILE)
    html = (directory / "index.html").read_text()
    assert_sealed(html)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
    tex = (directory / "table.tex").read_text()
    assert r"\input{x}" not in tex
    assert r"\textbackslash{}input\{x\} \$\textbackslash{}frac\$ a\_b \textless{}script\textgreater{}" in tex
    assert r"50\% \& \textasciitilde{}\textasciicircum{}\#" in tex
    markdown = (directory / "table.md").read_text()
    assert r"\\input\{x\} \$\\frac\$ a\_b \<script\>alert(1)\</script\> \| \`c\` \[d\](e) 50% \& \~^\#" in markdown
    assert "<script>" not in markdown
    lines = list(csv.DictReader((directory / "table.csv").open(newline="")))
    assert lines[0]["row"] == "ours"
    assert {line["attribute"] for line in lines} == {HOSTILE, ""}


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("attributes", [(HOSTILE,), (HOSTILE, SECOND), TEMPLATE], ids=["one", "two", "templates"])
def test_every_page(
    name: str, attributes: tuple[str, ...], make_run: Make, tmp_path: Path, texts: list[Text],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def draw(figure: Figure, *arguments: Any, **settings: Any) -> None:
        figure.draw_without_rendering()
        texts.extend(figure.findobj(Text))

    monkeypatch.setattr(Figure, "savefig", draw)
    first, *others = load(name).every_row
    page = titled(name, {first: f"mine {HOSTILE}", **dict.fromkeys(others, SECOND)})
    runs = {first: [renamed(make_run("ours"), *attributes)]}
    html = write(page, runs, tmp_path, [HOSTILE, f"data.root={tmp_path}"]).read_text()
    assert_sealed(html)
    assert "<script>alert" not in html
    assert str(tmp_path) not in html
    assert str(1234 * 5678) not in html, "a name is no template"
    for text in texts:
        assert "frac" not in text.get_text() or text._preprocess_math(text.get_text())[1] is False  # type: ignore[attr-defined]


def test_the_papers_symbols_are_set_as_such() -> None:
    assert drawn_symbols("without L_aux") == r"without $L_{\mathrm{aux}}$"
    assert drawn_symbols("L_aux costs 5$ and 6$") == r"$L_{\mathrm{aux}}$ costs 5\$ and 6\$"
    assert drawn_symbols("L__ L_other") == "L__ L_other"
    assert markup._tex("without L_aux: Ĉ_A") == r"without $\mathcal{L}_{\mathrm{aux}}$: $\hat{C}$\_A"
    assert symbols("L_aux isn't <b>") == "<i>L</i><sub>aux</sub> isn’t &lt;b&gt;"


def test_latex_and_markdown_of_what_a_page_says() -> None:
    table = Table([Head(HOSTILE, HOSTILE)], [TableLine(HOSTILE, [Cell(HOSTILE, HOSTILE)])], HOSTILE, [HOSTILE])
    tex = to_latex("t", f"About {HOSTILE}", table)
    assert r"\caption{About \textbackslash{}input\{x\}" in tex
    assert r"\input{x}" not in tex
    markdown = to_markdown(f"About {HOSTILE}", [HOSTILE], table, [Claim("c", HOSTILE, "seen", HOSTILE)], [HOSTILE])
    assert markdown.startswith(r"# About \\input\{x\} \$")
    assert "<script>" not in markdown
    assert [line.count("|") - line.count(r"\|") for line in markdown.splitlines() if line.startswith("|")] == [3] * 3


def test_a_spreadsheet_computes_nothing_and_numbers_stay_numbers() -> None:
    harmful = ['=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "-x", "-nano"]
    numbers = ["-0.1", "+1", "-1e-05", "-inf", "-nan", "", "plain", "a=b", "−1"]

    def line(text: str) -> Line:
        return Line(text, 0, None, text, text, "mse", -0.5, None, None, 3)

    written = to_csv([line(text) for text in (*harmful, *numbers)])
    shown = [(one["row"], one["attribute"], one["other"]) for one in csv.DictReader(io.StringIO(written, newline=""))]
    expected = [f"'{text}".replace("\r", " ") for text in harmful] + numbers
    assert shown == [(text, text, text) for text in expected]
    assert {tuple(one.values())[5:] for one in csv.DictReader(io.StringIO(written, newline=""))} == {
        ("mse", "-0.5", "", "", "3")
    }


def test_a_bracket_behind_the_end_of_a_line_is_no_length() -> None:
    assert markup._tex("[1cm] x]") == "{[}1cm] x]"


def test_a_page_tells_no_directory_of_a_machine() -> None:
    rest = "~/c, aif/table1/ours, 1/2, https://a.b/c/d, a </b/c>"
    said = placeless(f"FileNotFoundError: '/home/me/my data/a.png' and /srv/x/y: {rest}")
    assert said == f"FileNotFoundError: '…/my data/a.png' and …/y: {rest}"
    assert placeless("facet-train data.root=/mnt/me/celeba") == "facet-train data.root=…/celeba"


@pytest.mark.parametrize("name", ["a\nb", "a\u202eb", "\x1b[31m", "x" * 201, ""])
def test_names_that_can_not_be_shown_are_no_attributes(name: str, make_run: Make) -> None:
    seed, directory = renamed(make_run("ours"), name)
    result = read_run("ours", seed, directory)
    assert result.state == "unreadable"
    assert result.error.startswith("results.json can't be used: attribute_names.0: ")


def test_tags_are_as_wandb_takes_them() -> None:
    short = "preset=paper"
    assert tags([short, "", short, OVERRIDE]) == [short, f"{OVERRIDE[:31]}…{OVERRIDE[-31:]}"]
    assert max(map(len, tags(["a" * 64, "b" * 65]))) == 64
    assert tags(["a" * 64]) == ["a" * 64]


def test_a_long_override_stops_neither_a_run_nor_a_report(tmp_path: Path) -> None:
    loggers = make_loggers(tmp_path / "run", "aif/table1/ours", [OVERRIDE, ""], {})
    loggers[1].experiment.finish()
    (tmp_path / "table.csv").write_text("row,seed,mse\nours,0,.1\n")
    log_table(load("table1"), compose_config("report", ["pages=[table1]", f"overrides=['{OVERRIDE}']"]), tmp_path)
    assert list(tmp_path.glob("wandb/offline-run-*"))
