"""The page of Table 1's first rows over the weight of L_KL, and the section that draws measures over a number."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from facet import pages
from facet.configuration import compose_config
from facet.errors import UserError
from facet.page_runs import page_runs
from facet.report import page, sections
from facet.report.context import Context
from facet.report.sections import over
from facet.results import Found

Make = Callable[..., tuple[int, Path]]


def found(make_run: Make) -> Found:
    """With L_aux all is well; without it the picture follows y where α is large."""
    follows = {"ours-0.0002": 0.95, "ours-0.02": 0.96, "no_aux-0.0002": 0.25, "no_aux-0.02": 0.75}
    return {key: [make_run(key, off=off, on=0.95)] for key, off in follows.items()}


def test_the_sums_over_alpha_are_said_and_drawn(make_run: Make, tmp_path: Path) -> None:
    runs = {**found(make_run), "ours-0.002": [(0, tmp_path / "none")]}
    text = re.sub("<[^>]+>", "", page.write(pages.load("aif-kl"), runs, tmp_path, []).read_text("utf-8"))
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


def test_a_line_for_each_group_over_the_number(make_run: Make) -> None:
    kl = pages.load("aif-kl")
    settings = {name: value for name, value in kl.sections["sums"].items() if name not in sections.ANY}
    (block,) = over.render(Context.of(kl, found(make_run)), **settings)
    left, right = block.drawn().axes  # type: ignore[union-attr, operator]
    lines = [line for line in left.lines if line.get_label().startswith("With")]
    assert [list(line.get_xdata()) for line in lines] == [[0.0002, 0.02], [0.0002, 0.02]]
    assert list(lines[1].get_ydata()) == pytest.approx([1.2, 1.7])
    assert (left.get_ylim(), right.get_ylim()[0]) == ((0, 2.05), 0)


def test_the_axis_is_linear_where_a_number_is_0(make_run: Make) -> None:
    correlation = pages.load("correlation")
    settings = {name: value for name, value in correlation.sections["growth"].items() if name not in sections.ANY}
    runs = {key: [make_run(key)] for key in ("ours-0", "ours-0.5", "no_aux-0", "no_aux-0.9")}
    (block,) = over.render(Context.of(correlation, runs), **settings)
    left = block.drawn().axes[0]  # type: ignore[union-attr, operator]
    lines = [list(line.get_xdata()) for line in left.lines if str(line.get_label()).startswith(("IFcVAE", "Without"))]
    assert lines == [[0, 0.5], [0, 0.9]]
    assert left.get_xscale() == "linear"


def test_a_row_without_the_number_is_named(make_run: Make) -> None:
    kl = pages.load("aif-kl")
    rows = {key: replace(row, facts={}) for key, row in kl.rows.items()}
    settings = {name: value for name, value in kl.sections["sums"].items() if name not in sections.ANY}
    with pytest.raises(UserError, match=r"aif-kl: rows\.ours-0\.00002: the fact group is missing"):
        over.render(Context.of(replace(kl, rows=rows), found(make_run)), **settings)


def test_without_numbers_it_says_so(tmp_path: Path) -> None:
    text = page.write(pages.load("aif-kl"), {"ours-0.002": [(0, tmp_path / "none")]}, tmp_path, []).read_text("utf-8")
    assert "nothing to report" in text


def test_the_facts_of_a_row_are_what_it_is_trained_with() -> None:
    for row in pages.load("aif-kl").rows.values():
        assert row.run.endswith(f"={row.facts['alpha']}")
        assert ("no_aux" in row.run) == (row.facts["group"] == "Without L_aux")
        assert row.title == f"{row.facts['group']}, α = {row.facts['alpha']}"


def test_the_row_at_the_presets_own_alpha_is_the_run_that_table_1_shows(tmp_path: Path) -> None:
    config = compose_config("report", [f"runs={tmp_path}"])
    runs = {row: path for row, [(_, path)] in page_runs(pages.load("aif-kl"), config).items()}
    of_table1 = {path for [(_, path)] in page_runs(pages.load("table1"), config).values()}
    preset = compose_config("train", []).model.weights.kl
    assert {row for row, path in runs.items() if path in of_table1} == {f"ours-{preset:g}", f"no_aux-{preset:g}"}
