"""The page of Table 1's first rows over the weight of L_KL."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.figure import Figure as Drawing

from facet.configuration import compose_config
from facet.page_runs import page_runs
from facet.pages import load
from facet.report.blocks import Figure
from facet.report.command import commands
from facet.report.context import Context
from facet.report.page import write
from facet.report.results import Found
from facet.report.sections import render

Make = Callable[..., tuple[int, Path]]
PAGE = load("aif-kl")


def found(make_run: Make) -> Found:
    """With L_aux all is well; without it the picture follows y where α is large."""
    follows = {"ours-0.0002": 0.95, "ours-0.02": 0.96, "no_aux-0.0002": 0.25, "no_aux-0.02": 0.75}
    return {key: [make_run(key, off=off, on=0.95)] for key, off in follows.items()}


def test_the_sums_over_alpha_are_said_and_drawn(make_run: Make, tmp_path: Path) -> None:
    page = write(PAGE, {**found(make_run), "ours-0.002": [(0, tmp_path / "none")]}, tmp_path, [])
    text = " ".join(re.sub("<[^>]+>", "", page.read_text("utf-8")).split())
    assert "Without Laux, both edit rates add up to 120.0% at α = 0.0002, 170.0% at α = 0.02." in text
    assert "With Laux, both edit rates add up to 190.0% at α = 0.0002, 191.0% at α = 0.02." in text
    assert {"over.png", "over.pdf"} <= {file.name for file in tmp_path.iterdir()}
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["measure"] == "edit_off"]
    assert [(line["row"], float(line["value"])) for line in lines] == [
        ("ours-0.0002", 0.95),
        ("ours-0.02", 0.96),
        ("no_aux-0.0002", 0.25),
        ("no_aux-0.02", 0.75),
    ]


def test_a_line_goes_through_the_rows_of_a_group_in_the_order_of_alpha(make_run: Make) -> None:
    section = render("sums", PAGE.sections["sums"], Context.of(PAGE, found(make_run)))
    assert section
    (figure,) = section.blocks
    assert isinstance(figure, Figure)
    assert callable(figure.drawn)
    drawn: Drawing = figure.drawn("light")
    lines = {str(line.get_label()): line for line in drawn.axes[0].lines}
    for label, sums in (("With", [1.90, 1.91]), ("Without", [1.20, 1.70])):
        (line,) = [line for name, line in lines.items() if name.startswith(f"{label} ")]
        assert list(line.get_xdata()) == [0.0002, 0.02]  # type: ignore[arg-type]
        assert list(line.get_ydata()) == pytest.approx(sums, abs=1e-3)  # type: ignore[arg-type]
    assert [ax.get_xscale() for ax in drawn.axes] == ["log", "log"]


def test_without_numbers_it_says_so(tmp_path: Path) -> None:
    page = write(PAGE, {"ours-0.002": [(0, tmp_path / "none")]}, tmp_path, [])
    assert "nothing to report" in page.read_text("utf-8")


def test_its_rows_are_experiments_with_another_alpha(tmp_path: Path) -> None:
    """The row at the preset's own α is the run that Table 1 shows."""
    config = compose_config("report", [f"runs={tmp_path}"])
    runs, of_table1 = (page_runs(load(name), config) for name in ("aif-kl", "table1"))
    shown = [path for each in of_table1.values() for _, path in each]
    preset = compose_config("train", ["experiment=aif/table1/ours"]).model.kl_weight
    same = {row for row, [(_, path)] in runs.items() if path in shown}
    assert same == {f"ours-{preset:g}", f"no_aux-{preset:g}"}
    assert {row.rpartition("-")[2] for row in runs} == {row.facts["alpha"] for row in PAGE.rows.values()}


@pytest.mark.parametrize("name", ["aif-kl", "table1", "aif-figure2"])
def test_how_to_make_it_is_a_command_a_row(name: str, tmp_path: Path) -> None:
    page = load(name)
    *training, evaluating, reporting = commands(page, compose_config("report", [f"runs={tmp_path}", "seeds=[0,1]"]), [])
    assert training == [f"facet-train -m {row.run} seed=0,1" for row in page.rows.values()]
    assert (evaluating, reporting) == (f"facet-evaluate {name} seeds=0,1", f"facet-report {name} seeds=0,1")
