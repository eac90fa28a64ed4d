"""Attributes at continuous values: a strip per attribute, and the same moving."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from facet.measures.examples import SHARES, TOGETHER, VALUES
from facet.report import grids
from facet.report.examples import read_examples
from facet.report.figure_page import Picture, Shown
from facet.report.figures import INK, Scheme, symbols
from facet.report.results import Result

FRAME = 110  # milliseconds
COLUMNS, SIDE = 5, 96  # attributes side by side, and pixels of a face, in the animation


def shown(key: str, result: Result, pictures: dict[str, Picture]) -> list[Shown]:
    """Add a run's strips and animation to ``pictures``; nothing where it has none."""
    names = [name.replace("_", " ") for name in result.content.get("attribute_names", [])]
    drawn = _read(result)
    if "varied" not in drawn:
        return []
    pictures[f"{key}-values"] = _Values(drawn["varied"], names)
    pictures[f"{key}-sliders"] = animation(drawn["varied"], names)
    low, high = VALUES[0], VALUES[-1]
    caption = (
        f"The first test face; one attribute from {low:g} to {high:g}, the others as the encoder read them, but for "
        "those that it rules out. 0: absent, 1: present, as in the labels; beyond them the attribute is removed "
        "further, or amplified."
    )
    found = [
        Shown(f"{key}-values", "Continuous values", caption),
        Shown(f"{key}-sliders", "The same, moving", "Three test faces; every attribute there and back."),
    ]
    if {"together", "between"} <= set(drawn):
        pictures[f"{key}-together"] = _Together(drawn["together"], names[:2])
        pictures[f"{key}-between"] = _Between(drawn["between"])
        both = f"The first three test faces; {names[0]} down and {names[1]} across."
        found.append(Shown(f"{key}-together", "Two attributes at once", both))
        towards = "Each of these faces takes on the attributes of the next, by eighths; who it is stays."
        found.append(Shown(f"{key}-between", "From one face's attributes to another's", towards))
    return found


def _read(result: Result) -> dict[str, NDArray[np.uint8]]:
    found = read_examples(result.directory, lambda name: name in ("varied", "together", "between"))
    return found if len(found.get("varied", ())) == len(result.content["attribute_names"]) else {}


class _Values:
    """Draws the first face, a line per attribute, a column per value.

    Args:
        varied: ``[k, faces, values, C, r, r]``.
        names: of the attributes.
    """

    def __init__(self, varied: NDArray[np.uint8], names: Sequence[str]) -> None:
        self.varied, self.names = varied, names

    def __call__(self, scheme: Scheme) -> Figure:
        figure = Figure(figsize=(1.9 + 0.8 * len(VALUES), 0.82 * len(self.names) + 0.3), layout="constrained")
        axes = figure.subplots(len(self.names), 1, squeeze=False).ravel()
        side = self.varied.shape[-1]
        for ax, name, faces in zip(axes, self.names, self.varied[:, 0], strict=True):
            ax.imshow(grids.strip(faces), interpolation="nearest")
            ax.set_ylabel(symbols(name), rotation=0, ha="right", va="center", fontsize=8, color=INK[scheme][0])
            ax.set_xticks([])
            ax.set_yticks([])
            ax.spines[:].set_visible(False)
        places = [(i + 0.5) * side for i in range(len(VALUES))]
        axes[0].set_xticks(places, [f"{value:g}".replace("-", "−") for value in VALUES])
        axes[0].xaxis.tick_top()
        axes[0].tick_params(length=0, labelsize=8)
        return figure


class _Together:
    """Draws a square of two attributes' values for every face.

    Args:
        together: ``[faces, t, t, C, r, r]``.
        names: of the attribute that goes down, and of the one across.
    """

    def __init__(self, together: NDArray[np.uint8], names: Sequence[str]) -> None:
        self.together, self.names = together, names

    def __call__(self, scheme: Scheme) -> Figure:
        faces, side, ink = len(self.together), self.together.shape[-1], INK[scheme][0]
        figure = Figure(figsize=(3.1 * faces + 0.4, 3.4), layout="constrained")
        places = [(i + 0.5) * side for i in range(len(TOGETHER))]
        values = [f"{value:g}".replace("-", "−") for value in TOGETHER]
        for i, ax in enumerate(figure.subplots(1, faces, squeeze=False).ravel()):
            ax.imshow(
                np.concatenate([np.asarray(grids.strip(line)) for line in self.together[i]]), interpolation="nearest"
            )
            ax.set_xticks(places, values)
            ax.xaxis.tick_top()
            ax.set_yticks(places, values if i == 0 else [])
            ax.tick_params(length=0, labelsize=8)
            ax.spines[:].set_visible(False)
            ax.set_xlabel(symbols(self.names[1]), fontsize=8, color=ink)
        figure.axes[0].set_ylabel(symbols(self.names[0]), fontsize=8, color=ink)
        return figure


class _Between:
    """Draws a line per face, that goes over to the next face's attributes.

    Args:
        between: ``[faces, shares, C, r, r]``.
    """

    def __init__(self, between: NDArray[np.uint8]) -> None:
        self.between = between

    def __call__(self, scheme: Scheme) -> Figure:
        faces, side = len(self.between), self.between.shape[-1]
        figure = Figure(figsize=(0.9 * len(SHARES), 0.95 * faces + 0.3), layout="constrained")
        for ax, line in zip(figure.subplots(faces, 1, squeeze=False).ravel(), self.between, strict=True):
            ax.imshow(grids.strip(line), interpolation="nearest")
            ax.set_xticks([])
            ax.set_yticks([])
            ax.spines[:].set_visible(False)
        top = figure.axes[0]
        top.set_xticks([(i + 0.5) * side for i in range(len(SHARES))], [f"{share:.0%}" for share in SHARES])
        top.xaxis.tick_top()
        top.tick_params(length=0, labelsize=8)
        return figure


def animation(varied: NDArray[np.uint8], names: Sequence[str]) -> bytes:
    """Every attribute going there and back, as an animated WebP: a block of faces per attribute, its value as a slider.

    Args:
        varied: ``[k, faces, values, C, r, r]``.
        names: of the attributes.
    """
    k, faces, steps = varied.shape[:3]
    columns, head = min(COLUMNS, k), 34
    rows = -(-k // columns)
    width, height = faces * SIDE + 12, SIDE + head + 8
    frames = []
    for step in [*range(steps), *range(steps - 2, 0, -1)]:
        canvas = Image.new("RGB", (columns * width, rows * height), "white")
        draw = ImageDraw.Draw(canvas)
        for i, name in enumerate(names):
            x, y = (i % columns) * width, (i // columns) * height
            draw.text((x + 6, y + 4), name, fill="#1f2328", font=grids.font(12))
            left, right, level = x + 8, x + faces * SIDE - 2, y + 26
            draw.line((left, level, right, level), fill="#d5d8dc", width=2)
            place = left + (right - left) * step / (steps - 1)
            draw.ellipse((place - 4, level - 4, place + 4, level + 4), fill="#0072b2")
            strip = grids.strip(varied[i, :, step]).resize((faces * SIDE, SIDE), Image.Resampling.NEAREST)
            canvas.paste(strip, (x + 6, y + head))
        frames.append(canvas)
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], duration=FRAME, loop=0, quality=88)
    return buffer.getvalue()
