"""Which numbers constructors take: a few rules, each with one wording. Nothing here imports torch."""

from __future__ import annotations

import math
from collections.abc import Callable


def at_least_one(**settings: float | None) -> None:
    """Raise ``ValueError`` for a count below 1; None stands for no setting."""
    _require(settings, lambda value: value >= 1, "it must be at least 1")


def not_negative(**settings: float | None) -> None:
    """Raise ``ValueError`` for a value that is below 0, infinite or not a number."""
    _require(settings, lambda value: 0 <= value < math.inf, "it must be a number, 0 or more")


def positive(**settings: float | None) -> None:
    """Raise ``ValueError`` for a value that is not above 0."""
    _require(settings, lambda value: value > 0, "it must be above 0")


def below_one(**settings: float | None) -> None:
    """Raise ``ValueError`` for a value outside [0, 1)."""
    _require(settings, lambda value: 0 <= value < 1, "it must be at least 0 and below 1")


def _require(settings: dict[str, float | None], rule: Callable[[float], bool], words: str) -> None:
    for name, value in settings.items():
        if value is not None and not rule(value):
            raise ValueError(f"{name}={value}: {words}")
