"""What AIF's Table 1 claims: the words flip with the numbers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from invented_pages import claims_of, titled, told

from facet.report.blocks import Claim

Make = Callable[..., tuple[int, Path]]
PAGE = titled("table1", {"ours": "(1)", "no_aux": "(2)", "rec_class": "(3)", "icgan": "(4) IcGAN"})
Found = dict[str, list[tuple[int, Path]]]


def made(make_run: Make, **given: Any) -> Found:
    """Runs of rows whose numbers are given, one seed each, or several as a list."""
    found = {}
    for key, numbers in given.items():
        seeds = numbers if isinstance(numbers, list) else [numbers]
        found[key] = [make_run(key, seed, **each) for seed, each in enumerate(seeds)]
    return found


def claim(found: Found, key: str) -> Claim:
    """A claim of the page, judged."""
    return claims_of(PAGE, found)[key]


GOOD, BLIND = {"off": 0.93, "on": 0.95}, {"off": 0.30, "on": 0.71}


@pytest.mark.parametrize(
    ("ours", "no_aux", "verdict", "said"),
    [
        (GOOD, BLIND, "seen", "the picture does not follow y"),
        (GOOD, {"off": 0.60, "on": 0.70}, "partly seen", "follows y to some extent"),
        ({"off": 0.70, "on": 0.95}, BLIND, "partly seen", "not both rates are high"),
        (GOOD, {"off": 0.94, "on": 0.95}, "not seen", "follows y to some extent"),
        (BLIND, BLIND, "not seen", "not both rates are high"),
        ({**GOOD, "n": 12}, {**BLIND, "n": 12}, "undecided", "the interval does not tell"),
        (GOOD, {**BLIND, "reconstruction": (0.99, 0.40)}, "can't be interpreted", "draws no mouth"),
        ({**GOOD, "reconstruction": (0.89, 0.99)}, BLIND, "can't be interpreted", "draws no mouth"),
    ],
)
def test_main_finding(make_run: Make, ours: Any, no_aux: Any, verdict: str, said: str) -> None:
    found = made(make_run, ours=ours, no_aux=no_aux)
    main = claim(found, "label_ignored")
    assert main.verdict == verdict
    assert said in main.text
    assert ("is seen" in told(PAGE, found)) == (verdict == "seen")


def test_seeds_are_listed(make_run: Make) -> None:
    steady = claim(made(make_run, ours=[GOOD] * 3, no_aux=[BLIND] * 3), "label_ignored")
    assert steady.verdict == "seen"
    assert "by seed 101.0%, 101.0%, 101.0%" in steady.text


def test_an_odd_seed_counts(make_run: Make) -> None:
    found = made(make_run, ours=[GOOD, GOOD], no_aux=[BLIND, {"off": 0.6, "on": 0.8}])
    assert claim(found, "label_ignored").verdict == "partly seen"


def test_missing_row_is_not_tested_and_named(make_run: Make) -> None:
    found = made(make_run, ours=GOOD)
    main = claim(found, "label_ignored")
    assert main.verdict == "not tested"
    assert "“(2)” has no numbers (never run)" in main.text
    assert "not tested" in told(PAGE, found)


def test_nothing_at_all_has_findings_too() -> None:
    found: Found = {}
    assert {each.verdict for each in claims_of(PAGE, found).values()} == {"not tested"}
    assert "No run has been evaluated" in told(PAGE, found)


@pytest.mark.parametrize(
    ("leak", "verdict"), [((0.02, 0.08), "seen"), ((0.02, 0.6), "partly seen"), ((0.4, 0.99), "not seen")]
)
def test_leakage(make_run: Make, leak: tuple[float, float], verdict: str) -> None:
    judged = claim(made(make_run, ours={"leak": leak}), "factored")
    assert judged.verdict == verdict
    assert "98% of H(y), at chance" in judged.text
    assert ("A at chance is not the proof" in judged.text) == (verdict != "seen")


def test_mean_squared_errors(make_run: Make) -> None:
    same = made(make_run, ours={"mse": 0.0112}, no_aux={"mse": 0.0110})
    assert claim(same, "same_error").verdict == "seen"


def test_worse_error_is_said(make_run: Make) -> None:
    found = made(make_run, ours={"mse": 0.02}, no_aux={"mse": 0.01})
    worse = claim(found, "same_error")
    assert (worse.verdict, "ratio of 2.00" in worse.text) == ("not seen", True)


@pytest.mark.parametrize(
    ("numbers", "verdict", "said"),
    [
        ({"off": 0.935, "on": 0.95}, "seen", "both intervals include zero"),
        ({"off": 0.99, "on": 0.95}, "not seen", "a gain"),
        ({"off": 0.80, "on": 0.95}, "seen", "a loss"),
    ],
)
def test_class_loss_on_reconstructions(make_run: Make, numbers: Any, verdict: str, said: str) -> None:
    judged = claim(made(make_run, ours=GOOD, rec_class=numbers), "class_on_reconstruction")
    assert judged.verdict == verdict
    assert said in judged.text


@pytest.mark.parametrize(
    ("numbers", "verdict", "said"),
    [
        ({"off": 0.6, "on": 0.9, "mse": 0.0115}, "seen", "less well than ours"),
        ({"off": 0.6, "on": 0.9, "mse": 0.03}, "partly seen", "2.7 times ours"),
        ({"off": 0.99, "on": 0.99}, "not seen", "better than ours"),
        (GOOD, "undecided", "not clearly worse or better"),
        ({"reconstruction": (0.95, 0.6)}, "can't be interpreted", "95.0% (present) and 60.0% (absent)"),
    ],
)
def test_icgan_and_its_training(make_run: Make, numbers: Any, verdict: str, said: str) -> None:
    judged = claim(made(make_run, ours=GOOD, icgan=numbers), "icgan")
    assert judged.verdict == verdict
    assert said in judged.text
    assert "unedited reconstructions keep the label" in judged.text


def test_models_that_draw_nothing_prove_nothing(make_run: Make) -> None:
    blank = {"reconstruction": (1.0, 0.0), "off": 0.0, "on": 1.0, "leak": (0.0, 0.0)}
    found = made(make_run, ours=blank, no_aux=blank, rec_class=blank, icgan=blank)
    assert {each.verdict for each in claims_of(PAGE, found).values()} == {"can't be interpreted"}


def test_a_judge_that_errs_judges_nothing(make_run: Make) -> None:
    found = made(make_run, ours={**GOOD, "judge": 0.5}, no_aux=BLIND)
    main = claim(found, "label_ignored")
    assert main.verdict == "can't be interpreted"
    assert "right on only 50.0%" in main.text
    assert "the judge errs too often" in told(PAGE, found)
