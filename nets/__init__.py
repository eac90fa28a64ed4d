"""What the networks of both papers need of torch: how they run, how they are stepped, which numbers they take.

``aif`` and ``jacsup`` don't know one another. Each of them trains by hand, freezes networks, keeps batch-norm statistics
and computes losses in full precision. Two copies of that code had drifted apart, so it lives here once. This package
knows neither a paper nor the workbench nor a data set, and imports none of them.
"""
