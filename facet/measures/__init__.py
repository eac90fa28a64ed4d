"""What is measured of every method alike: each measure a ``torchmetrics.Metric`` or a pure function."""

OPTIONAL = ("drift", "identity", "distance", "counterfactual", "leakage", "continuity")
"""What of an editor can be left out; errors, rates and the classifier's scores can't."""
