"""Draws how a step's time grows with batch size and resolution, from the results of ``facet-bench steps``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, ScalarFormatter

from facet.report import style

AXES = {"batch_size": "batch", "resolution": "side, pixels"}


def growing(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """The sizes (of batch or image) of which some method was timed at more than one value."""
    methods = {step["method"] for step in steps}
    return [
        size
        for size in AXES
        if any(len({step[size] for step in steps if step["method"] == method}) > 1 for method in methods)
    ]


def picture(steps: Sequence[Mapping[str, Any]]) -> Callable[[], Figure]:
    """A function that draws a step's milliseconds over each varied size: ours, the floor and the authors' schedule.

    Args:
        steps: the rows of ``steps.json``.
    """
    return partial(_draw, steps)


def _draw(steps: Sequence[Mapping[str, Any]]) -> Figure:
    sizes = growing(steps)
    figure = Figure(figsize=(4.9 * len(sizes), 3.6))
    for ax, size in zip(figure.subplots(1, len(sizes), squeeze=False)[0], sizes, strict=True):
        other = next(name for name in AXES if name != size)
        lines = dict.fromkeys((step["method"], step[other]) for step in steps)
        for i, (method, fixed) in enumerate(lines):
            points = sorted(
                (step for step in steps if (step["method"], step[other]) == (method, fixed)), key=lambda s: s[size]
            )
            several = len({value for _, value in lines}) > 1
            label = f"{method}, {AXES[other].split(',')[0]} {fixed}" if several else method
            _lines(ax, points, size, f"C{i}", label)
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set_xticks(sorted({step[size] for step in steps}))
        ax.xaxis.set_major_formatter(ScalarFormatter())
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xlabel(AXES[size])
        ax.set_title("a step, ms")
        ax.grid()
        ax.legend()
    ink = style.colour("ink")
    handles = [figure.axes[0].plot([], [], "o-", color=ink, markersize=4, label="ours")[0]]
    handles += figure.axes[0].plot([], [], ":", color=ink, label="the floor")
    if any(step["authors"] for step in steps):
        handles += figure.axes[0].plot([], [], "s--", color=ink, markersize=4, label="the authors' schedule")
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _lines(ax: Axes, steps: Sequence[Mapping[str, Any]], size: str, shade: str, label: str) -> None:
    x = [step[size] for step in steps]
    ax.plot(x, [step["ours"]["median_ms"] for step in steps], "o-", color=shade, markersize=4, label=label)
    ax.plot(x, [step["floor_ms"] for step in steps], ":", color=shade)
    theirs = [step for step in steps if step["authors"]]
    ax.plot([s[size] for s in theirs], [s["authors"]["median_ms"] for s in theirs], "s--", color=shade, markersize=4)
