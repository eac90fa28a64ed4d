"""What all figures have in common: colours for light and dark pages, and files that come out the same each time."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

Scheme = Literal["light", "dark"]

# Okabe & Ito's colours, told apart with any colour vision; every row has its own dashes too.
COLOURS: dict[Scheme, tuple[str, ...]] = {
    "light": ("#0072b2", "#d55e00", "#009e73", "#b0569b", "#8a6d00", "#444444"),
    "dark": ("#56b4e9", "#f08a3c", "#2fc79a", "#d993c2", "#e6c229", "#bbbbbb"),
}
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (3, 3)), (0, (8, 2)))
INK = {"light": ("#1f2328", "#d5d8dc", "#ffffff"), "dark": ("#dfe3e8", "#3a4048", "#15181c")}
"""Of a scheme: ink, lines, paper."""


def save(draw: Callable[[Scheme], Figure], kind: Literal["png", "pdf"], scheme: Scheme = "light") -> bytes:
    """A figure as a file's content, the same bytes each time."""
    ink, line, paper = INK[scheme]
    settings: Any = {
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.edgecolor": line,
        "axes.titlesize": 9,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": line,
        "grid.linewidth": 0.6,
        "pdf.fonttype": 42,
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color"), ink),
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), paper),
    }
    buffer = io.BytesIO()
    with mpl.rc_context(settings):
        metadata = {"Software": None} if kind == "png" else {"CreationDate": None}
        draw(scheme).savefig(buffer, format=kind, dpi=160, metadata=metadata)
    return buffer.getvalue()


def colour(place: int, scheme: Scheme) -> str:
    """Of the row in this place."""
    return COLOURS[scheme][place % len(COLOURS[scheme])]


def dashes(place: int) -> Any:
    """Of the row in this place."""
    return DASHES[place % len(DASHES)]


def as_shares(axis: Any) -> None:
    """Label an axis of rates in per cent."""
    axis.set_major_formatter(PercentFormatter(1.0))


def show_pixels(ax: Axes, pixels: NDArray[Any], label: str = "", scheme: Scheme = "light", **how: Any) -> None:
    """A picture with every pixel a square, without axes, its label to the left."""
    ax.imshow(pixels, interpolation="nearest", **how)
    if label:
        ax.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8, color=INK[scheme][0])
    ax.set_xticks([])
    ax.set_yticks([])
    ax.tick_params(length=0, labelsize=8)
    ax.spines[:].set_visible(False)
