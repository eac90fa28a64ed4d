"""What all figures have in common: colours for light and dark pages, and files that come out the same each time.

A figure is drawn with matplotlib's settings of its scheme: rows have the colours ``C0``, ``C1``, … of its cycle.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Literal

import matplotlib as mpl
from cycler import cycler
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


def settings(scheme: Scheme) -> Any:
    """Matplotlib's settings of a scheme, by name."""
    ink, line, paper = INK[scheme]
    return {
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.prop_cycle": cycler(color=COLOURS[scheme]),
        "axes.edgecolor": line,
        "axes.titlesize": 9,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "figure.constrained_layout.use": True,
        "grid.color": line,
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "pdf.fonttype": 42,
        **dict.fromkeys(("xtick.major.size", "xtick.minor.size", "ytick.major.size", "ytick.minor.size"), 0),
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color"), ink),
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), paper),
    }


def save(draw: Callable[[], Figure], kind: Literal["png", "pdf"], scheme: Scheme = "light") -> bytes:
    """A figure as a file's content, the same bytes each time."""
    buffer = io.BytesIO()
    with mpl.rc_context(settings(scheme)):
        metadata = {"Software": None} if kind == "png" else {"CreationDate": None}
        draw().savefig(buffer, format=kind, dpi=160, metadata=metadata)
    return buffer.getvalue()


def colour(of: Literal["ink", "grid", "paper"]) -> str:
    """Of texts, for what belongs to no row; of the grid; or of the page, for what is hollow."""
    now = mpl.rcParams
    return str({"ink": now["text.color"], "grid": now["grid.color"], "paper": now["axes.facecolor"]}[of])


def published() -> dict[str, Any]:
    """How what a paper prints is drawn: hollow squares."""
    return {"color": colour("ink"), "alpha": 0.6, "markerfacecolor": colour("paper"), "marker": "s", "markersize": 4.5}


def look(place: int) -> dict[str, Any]:
    """The colour and the dashes of the row in this place."""
    return {"color": f"C{place}", "linestyle": DASHES[place % len(DASHES)]}


def as_shares(axis: Any) -> None:
    """Label an axis of rates in per cent."""
    axis.set_major_formatter(PercentFormatter(1.0))


def show_pixels(ax: Axes, pixels: NDArray[Any], label: str = "") -> None:
    """A picture with every pixel a square, without axes, its label to the left."""
    ax.imshow(pixels, interpolation="nearest")
    ax.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
    ax.set(xticks=[], yticks=[])
    ax.tick_params(labelsize=8)
    ax.spines[:].set_visible(False)
