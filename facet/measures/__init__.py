"""The measures, which are the same for every method; each is a ``torchmetrics.Metric`` or a pure function."""

from __future__ import annotations

from collections.abc import Sequence

OPTIONAL = ("drift", "identity", "distance", "counterfactual", "leakage", "continuity")
"""Measures of an editor that can be left out. Errors, rates and the classifier's scores are always taken."""


def names_of(setting: str | Sequence[str]) -> tuple[str, ...]:
    """The names in a setting that takes one or several."""
    return (setting,) if isinstance(setting, str) else tuple(setting)
