"""A page counts both classes alike where few faces have the attribute, and only there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from invented_runs import rate, results, write_run

from facet.comparisons import uneven
from facet.pages import load
from facet.report import sections
from facet.report.context import Context

PAGE = load("table1")


def run(root: Path, present: int, absent: int) -> Context:
    """Table 1's page with one run, tested on so many faces."""
    content: dict[str, Any] = results("ours", 0)
    measures = content["measures"]
    full = measures["edits"]["Smiling"]["full"]
    for cell, n in (("on_from_on", present), ("off_from_on", present), ("on_from_off", absent)):
        full[cell] = rate(0.9, n)
    measures["edits"]["Smiling"]["balanced"] = {"turned": rate(0.5, present + absent)}
    measures["judge"] = {"Smiling": {"on": rate(0.75, present), "off": rate(1.0, absent)}}
    return Context.of(PAGE, {"ours": [(0, write_run(root / "seed0", content))]})


@pytest.mark.parametrize(("present", "absent", "shown"), [(60, 2940, True), (2900, 100, True), (900, 2100, False)])
def test_the_table_is_there_where_the_classes_are_uneven(
    present: int, absent: int, shown: bool, tmp_path: Path
) -> None:
    context = run(tmp_path, present, absent)
    assert uneven(context.rows) == shown
    section = sections.render("uneven", PAGE.sections["uneven"], context)
    assert bool(section) == shown
    if section:
        text = str(section.blocks[0])
        assert "50.0%" in text
        assert "75.0%" in text
        assert f"n = {present:,}" in text, "of how many faces the judge's rate is"


def test_results_of_before_have_no_such_table(tmp_path: Path) -> None:
    context = Context.of(PAGE, {"ours": [(0, write_run(tmp_path / "seed0", results("ours", 0)))]})
    assert sections.render("uneven", PAGE.sections["uneven"], context) is None
    assert not uneven(Context.of(PAGE, {}).rows), "without a run there is nothing to say"
