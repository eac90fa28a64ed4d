"""Rates with their confidence interval and number of cases, and means with their number of cases.

They are named tuples because ``torchmetrics`` refuses frozen dataclasses in the result of a metric's ``compute``.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple


class Rate(NamedTuple):
    """A share in [0, 1], or a mean, with its confidence interval [low, high] and the number of cases behind it."""

    value: float
    low: float
    high: float
    n: int

    def as_dict(self) -> dict[str, float]:
        """``value``, ``low``, ``high`` and ``n`` as plain numbers, for JSON; an empty rate's value is NaN."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


class Mean(NamedTuple):
    """A mean, in the unit of what was averaged, and the number of cases it was taken over."""

    value: float
    n: int

    def as_dict(self) -> dict[str, float]:
        """``value`` and ``n`` as plain numbers, for JSON; the mean of nothing is NaN."""
        return {"value": self.value, "n": self.n}


def mean_with_interval(mean: float, squares: float, n: int, confidence: float = 0.95) -> Rate:
    """The normal interval of a mean of n values, mean ± z · sd / √n; it doesn't go below 0, for errors don't.

    Args:
        mean: of the values, each at least 0.
        squares: the mean of their squares.
        n: how many; of fewer than two the ends are NaN.
        confidence: of the two-sided interval, in (0, 1).
    """
    if n < 2:
        return Rate(mean, math.nan, math.nan, n)
    variance = max(squares - mean**2, 0.0) * n / (n - 1)
    half = NormalDist().inv_cdf((1.0 + confidence) / 2.0) * math.sqrt(variance / n)
    return Rate(mean, max(mean - half, 0.0), mean + half, n)


def wilson(successes: int, n: int, confidence: float = 0.95) -> Rate:
    """Wilson's score interval of a rate p̂ = successes / n (Wilson 1927, JASA 22, p. 209).

    With z the standard normal's quantile at (1 + confidence) / 2, the interval is

        (p̂ + z²/2n ± z √(p̂(1 - p̂)/n + z²/4n²)) / (1 + z²/n).

    Unlike p̂ ± z·sd it stays inside [0, 1] and doesn't shrink to a point at rates of 0 and 1.

    Args:
        successes: number of successes, 0 to ``n``.
        n: number of cases; 0 gives the value NaN and the interval [0, 1].
        confidence: of the two-sided interval, in (0, 1).

    Raises:
        ValueError: the counts are impossible, or the confidence is outside (0, 1).
    """
    if not 0 <= successes <= n:
        raise ValueError(f"a rate needs 0 <= successes <= n, got {successes} of {n}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie strictly between 0 and 1, got {confidence}")
    if n == 0:
        return Rate(math.nan, 0.0, 1.0, 0)
    rate = successes / n
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    centre = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # At 0 and n one bound is exactly p̂; computed, it would differ by rounding.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Rate(rate, low, high, n)


def balanced(one: Rate, other: Rate) -> Rate:
    """The mean of two rates of different cases, such as images with and without an attribute: both count alike.

    The interval is Zou and Donner's (2008, Statistics in Medicine 27, p. 1693), from the two rates' own, as Newcombe's
    method 10 (1998) is for a difference: with (l_i, u_i) around p_i,

        (p_1 + p_2) / 2 - √((p_1 - l_1)² + (p_2 - l_2)²) / 2, and alike above.

    Returns:
        ``n`` is that of both together; without cases of one of them, the value NaN and the interval [0, 1].
    """
    n = one.n + other.n
    if not one.n or not other.n:
        return Rate(math.nan, 0.0, 1.0, n)
    value = (one.value + other.value) / 2
    down = math.hypot(one.value - one.low, other.value - other.low) / 2
    up = math.hypot(one.high - one.value, other.high - other.value) / 2
    return Rate(value, value - down, value + up, n)
