"""What is measured of every method alike: each measure a ``torchmetrics.Metric`` or a pure function."""
