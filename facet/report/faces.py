"""Strips of faces as a figure of a page."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from facet.report import grids
from facet.report.figures import INK, Scheme, symbols


class Strips:
    """Draws a run's strips of faces below one another.

    Args:
        strips: of a run's examples.
        attribute: that they show.
    """

    def __init__(self, strips: Mapping[str, grids.Faces], attribute: str) -> None:
        self.strips, self.attribute = strips, attribute

    def __call__(self, scheme: Scheme) -> Figure:
        labels = {name: label for name, label in grids.labels(self.attribute).items() if name in self.strips}
        faces = len(next(iter(self.strips.values())))
        figure = Figure(figsize=(1.5 + 0.66 * faces, 0.7 * len(labels)), layout="constrained")
        for ax, (name, label) in zip(
            figure.subplots(len(labels), 1, squeeze=False).ravel(), labels.items(), strict=True
        ):
            ax.imshow(grids.strip(self.strips[name]), interpolation="nearest", aspect="equal")
            ax.set_ylabel(symbols(label), rotation=0, ha="right", va="center", fontsize=8, color=INK[scheme][0])
            ax.set_xticks([])
            ax.set_yticks([])
            ax.spines[:].set_visible(False)
        return figure
