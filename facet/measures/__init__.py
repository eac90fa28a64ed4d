"""The measures, which are the same for every method; each is a ``torchmetrics.Metric`` or a pure function."""

OPTIONAL = ("drift", "identity", "distance", "counterfactual", "leakage", "continuity")
"""Measures of an editor that can be left out. Errors, rates and the classifier's scores are always taken."""
