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
from facet.report.figures import symbols
from facet.report.tables import TableSpec, csv_text
from matplotlib.figure import Figure
from matplotlib.text import Text
from sealed import assert_sealed

from facet.configuration import compose_config
from facet.loggers import make_loggers
from facet.report import aif_figures, compare, markup, page, staged_page
from facet.report.command import log_table
from facet.report.markup import to_latex, to_markdown
from facet.report.results import RowRuns, read_rows, read_run
from facet.tags import tags

Make = Callable[..., tuple[int, Path]]
HOSTILE = r"\input{x} $\frac$ a_b <script>alert(1)</script> | `c` [d](e) 50% & ~^#"
SECOND = "_x $y$"
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
    table = TableSpec.of("table1")
    runs = [RowRuns("ours", f"ours {HOSTILE}", [renamed(make_run("ours"), HOSTILE)])]
    directory = page.write_report(table, runs, tmp_path, [HOSTILE]).parent
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
    assert next(csv.DictReader((directory / "table.csv").open(newline="")))["row"] == "ours"


@pytest.mark.parametrize(
    ("module", "name"),
    [(aif_figures, "aif-figure2"), (aif_figures, "aif-figure3"), (aif_figures, "aif-figure4"), (compare, "compare")]
    + [(staged_page, f"jacsup-figure{number}") for number in (3, 4, 5)],
)
@pytest.mark.parametrize("names", [(HOSTILE,), (HOSTILE, SECOND)])
def test_every_page_of_figures(
    module: Any, name: str, names: tuple[str, ...], make_run: Make, tmp_path: Path, texts: list[Text]
) -> None:
    runs = [RowRuns("mine", f"mine {HOSTILE}", [renamed(make_run("ours"), *names)])]
    html = module.write_report(name, runs, tmp_path, [HOSTILE, f"data.root={tmp_path}"]).read_text()
    assert_sealed(html)
    assert "<script>alert" not in html
    assert texts
    for text in texts:
        assert "frac" not in text.get_text() or text._preprocess_math(text.get_text())[1] is False


def test_the_papers_symbols_are_set_as_such() -> None:
    assert symbols("without L_aux") == r"without $L_{\mathrm{aux}}$"
    assert symbols("L_aux costs 5$ and 6$") == r"$L_{\mathrm{aux}}$ costs 5\$ and 6\$"
    assert symbols("L__ L_other") == "L__ L_other"
    assert markup._tex("without L_aux: Ĉ_A") == r"without $\mathcal{L}_{\mathrm{aux}}$: $\hat{C}$\_A"


def test_latex_and_markdown_of_a_title(make_run: Make) -> None:
    table = TableSpec("t", f"About {HOSTILE}", HOSTILE, (("ours", "ours"),))
    rows = read_rows([RowRuns("ours", "ours", [make_run("ours")])], table.rows)
    assert r"\caption{About \textbackslash{}input\{x\}" in to_latex(table, rows, "Smiling")
    assert to_markdown(table, rows, (), "Smiling").startswith(r"# About \\input\{x\} \$")


def test_a_spreadsheet_computes_nothing_and_numbers_stay_numbers() -> None:
    harmful = ['=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "-x", "-nano"]
    numbers = ["-0.1", "+1", "-1e-05", -0.5, 3, "-inf", "-nan", "", "plain", "a=b", "−1"]
    lines = list(csv.reader(io.StringIO(csv_text(["=head", "b"], [harmful, numbers]), newline="")))
    assert lines[0] == ["'=head", "b"]
    assert lines[1] == [f"'{text}".replace("\r", " ") for text in harmful]
    assert lines[2] == [str(number) for number in numbers]


def test_a_bracket_behind_the_end_of_a_line_is_no_length() -> None:
    assert markup._tex("[1cm] x]") == "{[}1cm] x]"


def test_a_page_tells_no_directory_of_a_machine() -> None:
    rest = "~/c, aif/table1/ours, 1/2, https://a.b/c/d, a </b/c>"
    said = page.placeless(f"FileNotFoundError: '/home/me/my data/a.png' and /srv/x/y: {rest}")
    assert said == f"FileNotFoundError: '…/my data/a.png' and …/y: {rest}"
    assert page.placeless("facet-train data.root=/mnt/me/celeba") == "facet-train data.root=…/celeba"


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
    log_table(compose_config("report", ["pages=[table1]", f"overrides=['{OVERRIDE}']"]), tmp_path)
    assert list(tmp_path.glob("wandb/offline-run-*"))
