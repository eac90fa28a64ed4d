"""docs/heads.md says what the code does: names, rates, groups, options, and snippets that run."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from doc_tables import quoted, rows_of, run_snippets

from datamodules.heads import HeadsDataModule
from datamodules.heads.factors import TABLE, TRAITS
from datamodules.heads.mesh import mesh

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "heads.md").read_text("utf-8")


def test_every_attribute_is_there_with_its_rate() -> None:
    rates = dict(TABLE.rates)
    for states in TABLE.groups.values():
        for rate, names in states.values():
            for name in names:
                rates[name] = rates.get(name, 0) + rate
    said = {row[0].strip("`"): row[1] for row in rows_of(TEXT, "attribute")}
    assert said == {name: f"{rates[name]:.0%}" for name in TABLE.names}
    assert f"with {len(said)} attributes" in TEXT


def test_groups_are_the_code_s() -> None:
    groups = {(row[0].strip("`"), row[1]): (row[2], quoted(row[3])) for row in rows_of(TEXT, "group")}
    assert groups == {
        (group, state): (f"{rate:.0%}", set(names))
        for group, states in TABLE.groups.items()
        for state, (rate, names) in states.items()
    }


def test_every_option_is_there_with_its_default() -> None:
    parameters, rows = inspect.signature(HeadsDataModule).parameters, rows_of(TEXT, "option")
    assert {name for row in rows for name in re.findall(r"`data\.(\w+)`", row[0])} == set(parameters)
    for options, said, _ in rows:
        names = re.findall(r"`data\.(\w+)`", options)
        defaults = [parameters[name].default for name in names]
        if None not in defaults:
            read = {"auto": "auto", "false": False}
            assert [read[word] if word in read else float(word) for word in said.split(", ")] == defaults


def test_what_it_says_of_the_mesh() -> None:
    assert f"{len(mesh().rest):,} vertices is moved by {len(mesh().targets)} targets" in TEXT
    assert f"{len(TRAITS)} traits" in TEXT


def test_the_snippets_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACET_DATA", str(tmp_path))
    run_snippets(DOCS / "heads.md", count=3, picture="heads.jpg")
    assert (DOCS / "images" / "heads.jpg").stat().st_size < 400_000
