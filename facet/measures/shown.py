"""The values at which the faces of ``examples.npz`` are drawn (:mod:`facet.measures.examples`); figures label them."""

from __future__ import annotations

VALUES = (-0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
"""Values of each attribute in ``varied``."""
TOGETHER = (-0.5, 0.0, 0.5, 1.0, 1.5)
"""Values of each of two attributes in ``together``."""
SHARES = tuple(i / 8 for i in range(9))
"""Weights of the other face's attributes in ``between``."""
