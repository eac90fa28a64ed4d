"""Wilson's interval against its definition and a published value."""

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest

from facet.measures.intervals import Mean, Rate, balanced, mean_with_interval, wilson


def test_published_value() -> None:
    # Newcombe 1998, Statistics in Medicine 17, Table I, method 3: 81 of 263 and 15 of 148.
    assert wilson(81, 263)[:3] == pytest.approx((0.3080, 0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148)[:3] == pytest.approx((0.1014, 0.0624, 0.1605), abs=5e-5)


@pytest.mark.parametrize(("successes", "n"), [(1, 2), (3, 40), (39, 40), (500, 1000)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_bounds_are_where_the_score_test_turns(successes: int, n: int, confidence: float) -> None:
    rate = wilson(successes, n, confidence)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    for bound in (rate.low, rate.high):
        assert abs(rate.value - bound) == pytest.approx(z * math.sqrt(bound * (1 - bound) / n))
    assert 0 < rate.low < rate.value < rate.high < 1


def test_extremes_stay_inside() -> None:
    z2 = NormalDist().inv_cdf(0.975) ** 2
    assert tuple(wilson(0, 20)) == pytest.approx((0.0, 0.0, z2 / (20 + z2), 20))
    assert tuple(wilson(20, 20)) == pytest.approx((1.0, 20 / (20 + z2), 1.0, 20))


def test_no_cases() -> None:
    rate = wilson(0, 0)
    assert math.isnan(rate.value)
    assert (rate.low, rate.high, rate.n) == (0.0, 1.0, 0)


@pytest.mark.parametrize("arguments", [(3, 2), (-1, 2), (1, 2, 1.0), (1, 2, 0.0)])
def test_impossible_arguments(arguments: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"a rate needs|confidence must lie"):
        wilson(*arguments)


@pytest.mark.parametrize(("p", "n"), [((0.1, 0.9), (30, 400)), ((0.5, 0.98), (60, 2000)), ((0.97, 0.9), (40, 40))])
def test_the_mean_of_two_rates_lies_in_its_interval_as_often_as_it_says(
    p: tuple[float, float], n: tuple[int, int]
) -> None:
    """Over all outcomes of both, weighted by how likely each is."""
    truth, covered = sum(p) / 2, 0.0
    first, second = ([(wilson(k, m), _likelihood(k, m, q)) for k in range(m + 1)] for q, m in zip(p, n, strict=True))
    for (one, likely), (other, likely_too) in itertools.product(first, second):
        if likely * likely_too > 1e-9:
            rate = balanced(one, other)
            covered += likely * likely_too * (rate.low <= truth <= rate.high)
            assert 0 <= rate.low <= rate.value <= rate.high <= 1
    assert 0.93 < covered < 0.98


def _likelihood(k: int, n: int, p: float) -> float:
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(ways + k * math.log(p) + (n - k) * math.log(1 - p))


def test_the_mean_of_a_rate_without_cases_is_not_known() -> None:
    rate = balanced(wilson(3, 4), wilson(0, 0))
    assert math.isnan(rate.value)
    assert rate[1:] == (0.0, 1.0, 4)


def test_as_dict() -> None:
    assert Rate(0.5, 0.1, 0.9, 4).as_dict() == {"value": 0.5, "low": 0.1, "high": 0.9, "n": 4}
    assert Mean(0.25, 3).as_dict() == {"value": 0.25, "n": 3}


def test_where_all_or_none_succeed_the_bound_is_the_rate_itself() -> None:
    """Not a hair beside it, as the formula's rounding has it."""
    assert {wilson(0, n).low for n in range(1, 300)} == {0.0}
    assert {wilson(n, n).high for n in range(1, 300)} == {1.0}


def test_a_means_interval_covers_the_truth_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0).exponential(2.0, (4000, 100))
    ends = [mean_with_interval(float(x.mean()), float((x**2).mean()), 100, 0.9)[1:3] for x in draw]
    assert np.mean([low < 2.0 < high for low, high in ends]) == pytest.approx(0.9, abs=0.02)


def test_a_means_interval_stays_above_zero_and_needs_two_values() -> None:
    assert mean_with_interval(0.1, 0.5, 3).low == 0.0
    assert mean_with_interval(0.2, 0.04, 5) == Rate(0.2, 0.2, 0.2, 5)
    assert math.isnan(mean_with_interval(0.2, 0.04, 1).high)
