"""At which values the faces of ``examples.npz`` are drawn (:mod:`facet.measures.examples`); figures name them."""

from __future__ import annotations

VALUES = (-0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
"""That each attribute takes."""
TOGETHER = (-0.5, 0.0, 0.5, 1.0, 1.5)
"""That each of two attributes takes."""
SHARES = tuple(i / 8 for i in range(9))
"""Of another face's attributes."""
