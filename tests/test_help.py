"""The help of every command is as in ``tests/help/``, so that a change of it is seen in a review."""

from __future__ import annotations

import sys

import pytest
from renew_help import PLACE, commands, help_text

from facet.help import help_of


@pytest.mark.parametrize("command", commands())
def test_the_help_is_the_frozen_one(command: str) -> None:
    file = PLACE / f"{command}.txt"
    frozen = file.read_text("utf-8") if file.is_file() else ""
    assert help_text(command) == frozen, "if the change is meant: python -m tests.renew_help"


def test_there_is_no_help_of_a_command_that_is_gone() -> None:
    assert {file.stem for file in PLACE.iterdir()} == set(commands())


@pytest.mark.parametrize("command", commands())
def test_every_key_of_a_command_has_its_meaning_beside_it(command: str) -> None:
    own = help_text(command).split("\n\n")[1]
    keys = [line for line in own.splitlines() if ": " in line and line[0] not in "# "]
    assert not [line for line in keys if "  # " not in line]


@pytest.mark.parametrize("word", ["model=nothing", "model=5", "model=[a"])
def test_a_choice_that_there_is_not_has_the_usual_help(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = help_of("facet-train", "train")
    monkeypatch.setattr(sys, "argv", ["facet-train", word, "--help"])
    assert help_of("facet-train", "train") == usual
