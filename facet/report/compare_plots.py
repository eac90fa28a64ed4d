"""Two aims against each other, a dot per system: reconstruction and control, control and leakage."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter

from facet.report import figures
from facet.report.figures import COLOURS, INK, Scheme
from facet.report.results import Result, Row


def control(result: Result) -> float | None:
    """The mean of both edit rates, all test faces edited both ways."""
    rates = [result.value(f"full_{side}") for side in ("off", "on")]
    return None if rates[0] is None or rates[1] is None else (rates[0] + rates[1]) / 2


def plots(rows: Sequence[Row]) -> dict[str, Callable[[Scheme], Figure]]:
    """Reconstruction against control, and control against leakage."""
    return {
        "reconstruction": lambda scheme: _plane(rows, "mse", "MSE of reconstructions", scheme, logarithmic=True),
        "leakage": lambda scheme: _plane(rows, "leakage_bits_mean", "leakage of μ, bit", scheme),
    }


def _plane(rows: Sequence[Row], quantity: str, label: str, scheme: Scheme, logarithmic: bool = False) -> Figure:
    """A dot per seed; the line joins the rows of which no other is better in both."""
    figure = Figure(figsize=(8.2, 4.6), layout="constrained")
    ax: Axes = figure.subplots()
    means: dict[str, tuple[float, float]] = {}
    titles: list[tuple[str, str, tuple[float, float]]] = []
    for i, row in enumerate(rows):
        points = [
            (x, y) for r in row.evaluated if (x := r.value(quantity)) is not None and (y := control(r)) is not None
        ]
        if not points:
            continue
        colour = COLOURS[scheme][i % len(COLOURS[scheme])]
        x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
        face = colour if row.interpretable else INK[scheme][2]
        if len(points) > 1:
            ax.plot(*zip(*points, strict=True), "o", color=colour, markersize=3, alpha=0.45)
        ax.plot(x, y, "o", color=colour, markerfacecolor=face, markersize=7)
        titles.append((row.title, colour, (x, y)))
        if row.interpretable:
            means[row.key] = x, y
    if len(front := pareto(list(means.values()))) > 1:
        ax.plot(*zip(*front, strict=True), color=INK[scheme][0], linewidth=0.8, alpha=0.5, zorder=0)
    if logarithmic and means:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(f"{label} (less is better)")
    ax.set_ylabel("edits that succeed")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.grid()
    ax.tick_params(length=0)
    ax.margins(0.12)
    figure.draw_without_rendering()  # so that it is known where the dots lie
    heights = apart([tuple(ax.transData.transform(at)) for *_, at in titles])
    for (title, colour, point), height in zip(titles, heights, strict=True):
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.7, "relpos": (0, 0.5)} if height else None
        ax.annotate(
            figures.symbols(title),
            point,
            xytext=(14 if line else 7, height),
            textcoords="offset points",
            fontsize=8,
            va="center",
            arrowprops=line,
        )
    return figure


def apart(dots: Sequence[Sequence[float]], width: float = 110.0, height: float = 15.0) -> list[float]:
    """How far above its dot each title stands, so that none covers another: downwards, from the highest dot on.

    Args:
        dots: (x, y) in pixels.
        width: within which two titles may meet.
        height: of a title.
    """
    found = [0.0] * len(dots)
    placed: list[tuple[float, float]] = []
    for i in sorted(range(len(dots)), key=lambda i: -dots[i][1]):
        x, y = dots[i]
        for other, level in sorted(placed, key=lambda each: -each[1]):
            if abs(x - other) < width and abs(y - level) < height:
                y = level - height
        placed.append((x, y))
        found[i] = (y - dots[i][1]) * 72 / 100  # pixels at matplotlib's 100 to the inch
    return found


def pareto(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those of which no other has a smaller (or the same) x and a larger y, in the order of x."""
    front: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or y > front[-1][1]:
            front.append((x, y))
    return front
