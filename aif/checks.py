"""What numbers a constructor takes: the same few rules, and the same words, for all of this package."""

from __future__ import annotations

import math
from collections.abc import Callable


def at_least_one(**settings: float | None) -> None:
    """Raise ``ValueError`` for what is counted and is below 1; None is no setting."""
    _require(settings, lambda value: value >= 1, "it must be at least 1")


def not_negative(**settings: float | None) -> None:
    """Raise ``ValueError`` for what is below 0, infinite or no number."""
    _require(settings, lambda value: 0 <= value < math.inf, "it must be a number, 0 or more")


def positive(**settings: float | None) -> None:
    """Raise ``ValueError`` for what is not above 0."""
    _require(settings, lambda value: value > 0, "it must be above 0")


def below_one(**settings: float | None) -> None:
    """Raise ``ValueError`` for what is outside [0, 1)."""
    _require(settings, lambda value: 0 <= value < 1, "it must be at least 0 and below 1")


def check_sizes(resolution: int, kind: str = "plain", attributes: int = 0, **widths: int | None) -> None:
    """Raise ``ValueError`` unless four halvings of an image's side come out even and every width is one."""
    at_least_one(**widths)
    not_negative(attributes=attributes)
    if kind == "residual" and (widths.get("width") or 2) < 2:
        raise ValueError(f"width={widths['width']}: residual networks have half as many channels at the images' side")
    if resolution < 16 or resolution % 16:
        raise ValueError(
            f"resolution={resolution} does not work with four stride-2 layers: choose a multiple of 16, "
            f"for example {max(16, round(resolution / 16) * 16)}"
        )


def _require(settings: dict[str, float | None], rule: Callable[[float], bool], words: str) -> None:
    for name, value in settings.items():
        if value is not None and not rule(value):
            raise ValueError(f"{name}={value}: {words}")
