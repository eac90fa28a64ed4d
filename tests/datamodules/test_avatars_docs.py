"""docs/avatars.md says what the code does: names, rates, variants, and snippets that run."""

import inspect
import re
from pathlib import Path

import pytest
from doc_tables import quoted, rows_of, run_snippets

from datamodules.avatar_factors import (
    ATTRIBUTES,
    BEARDS,
    GROUPS,
    HAIR_COLORS,
    HAIR_STYLES,
    MOUTHS,
    MUSTACHES,
    RATES,
    VARIANTS,
)
from datamodules.avatars import AvatarsDataModule

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "avatars.md").read_text("utf-8")


def table(header: str) -> list[list[str]]:
    return rows_of(TEXT, header)


def members(group: str) -> dict[str, float]:
    rates: dict[str, float] = {}
    for rate, names in GROUPS[group].values():
        for name in names:
            rates[name] = rates.get(name, 0) + rate
    return rates


def test_every_attribute_is_there_with_its_rate() -> None:
    said = {row[0].strip("`"): row[1] for row in table("attribute")}
    rates = {**RATES, **members("hair_color"), **members("facial_hair")}
    assert said == {name: f"{rates[name]:.0%}" for name in ATTRIBUTES}


def test_every_attribute_is_there_with_its_variants() -> None:
    present = {row[0].strip("`"): quoted(row[2]) for row in table("attribute")}
    absent = {row[0].strip("`"): quoted(row[3]) for row in table("attribute")}
    for (name, value), variants in VARIANTS.items():
        assert (present if value else absent)[name] == set(variants)
    for color, (_, (name,)) in GROUPS["hair_color"].items():
        assert present[name] == set(HAIR_COLORS[color])
    assert present["Mustache"] == set(MUSTACHES)
    assert absent["No_Beard"] == set(BEARDS)
    for column, name in enumerate(("Smiling", "Mouth_Slightly_Open")):
        for value, cells in ((True, present), (False, absent)):
            assert cells[name] == {m for case, mouths in MOUTHS.items() if case[column] == value for m in mouths}


def test_mouths_groups_and_hair_styles_are_the_codes() -> None:
    mouths = {(row[0] == "yes", row[1] == "yes"): quoted(row[2]) for row in table("`Smiling` | `Mouth_Slightly_Open`")}
    assert mouths == {case: set(names) for case, names in MOUTHS.items()}
    groups = {(row[0].strip("`"), row[1]): (row[2], quoted(row[3])) for row in table("group")}
    assert groups == {
        (group, state): (f"{rate:.0%}", set(names))
        for group, states in GROUPS.items()
        for state, (rate, names) in states.items()
    }
    assert set(HAIR_STYLES) <= quoted(TEXT)


def test_every_option_is_there_with_its_default() -> None:
    parameters = inspect.signature(AvatarsDataModule).parameters
    assert {name for row in table("option") for name in re.findall(r"`data\.(\w+)`", row[0])} == set(parameters)
    for options, said, _ in table("option"):
        names = re.findall(r"`data\.(\w+)`", options)
        defaults = [parameters[name].default for name in names]
        if None not in defaults:
            read = {"auto": "auto", "false": False}
            assert [read[word] if word in read else float(word) for word in said.split(", ")] == defaults


def test_the_snippets_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACET_DATA", str(tmp_path))
    run_snippets(DOCS / "avatars.md", count=2, picture="avatars.png")
    assert (DOCS / "images" / "avatars.png").stat().st_size < 300_000
