"""What Tables 2 and 3 claim besides Table 1: the words flip with the numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from invented_pages import claims_of, titled

from facet.pages import load
from facet.report.blocks import Claim

Make = Callable[..., tuple[int, Path]]
GOOD, BLIND = {"off": 0.93, "on": 0.95}, {"off": 0.30, "on": 0.71}


def judged(make_run: Make, other: str, ours: dict[str, Any], its: dict[str, Any]) -> Claim:
    """The claim on ours and one other row."""
    found = {"ours": [make_run("ours", 0, **ours)], other: [make_run(other, 0, **its)]}
    return claims_of(titled("table1", {"ours": "ours", other: other}), found)[other]


@pytest.mark.parametrize(
    ("other", "its", "verdict", "said"),
    [
        ("cvae_gan", BLIND, "seen", "together 101.0%"),
        ("cvae_gan", {"off": 0.99, "on": 1.0}, "not seen", "together 199.0%"),
        ("cvae_gan", GOOD, "undecided", "together 188.0%"),
        ("cvae_gan", {**BLIND, "reconstruction": (0.99, 0.4)}, "can't be interpreted", "draws no mouth"),
        ("no_gan", {**GOOD, "mse": 0.009}, "seen", "a ratio of 1.24"),
        ("no_gan", {**GOOD, "mse": 0.02}, "partly seen", "a ratio of 0.56"),
        ("no_gan", {**BLIND, "mse": 0.02}, "not seen", "Blur is judged by the eye"),
        ("no_kl", {"mse": 0.039}, "seen", "0.0390 without L_KL"),
        ("no_kl", {"mse": 0.0113}, "not seen", "0.0113 without L_KL"),
        ("no_kl", {"mse": None, "reconstruction": (0.0, 1.0)}, "can't be interpreted", "diverged (seed 0)"),
        ("no_gan", {"mse": None, "reconstruction": (0.0, 1.0)}, "can't be interpreted", "diverged (seed 0)"),
        ("high_kl", {"mse": 0.020}, "seen", "0.0200 with twenty times α"),
    ],
)
def test_the_verdict_follows_the_numbers(make_run: Make, other: str, its: Any, verdict: str, said: str) -> None:
    claim = judged(make_run, other, GOOD, its)
    assert claim.verdict == verdict
    assert said in claim.text


def test_tables_2_and_3_are_there_with_their_fractions_of_46_images() -> None:
    two, three = load("table2"), load("table3")
    assert list(two.rows) == ["ours", "cvae_gan"]
    assert list(three.rows) == ["ours", "high_kl", "no_aux", "no_kl", "no_gan", "cvae_gan", "icgan"]
    assert any("accuracy" in row.published for row in three.rows.values())
    for key, row in three.rows.items():
        if key == "icgan":
            continue
        for rate in (row.printed("edit_off"), row.printed("edit_on")):
            assert rate is not None
            assert rate.n == 46
            assert any(round(100 * k / 46) == round(100 * rate.value) for k in range(47)), key
