"""Draws the pictures of docs/measures.md: ``python docs/pictures.py``."""

from __future__ import annotations

from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from datamodules.avatars import AvatarsDataModule
from facet.measures.counterfactual import CounterfactualError, changed_region
from facet.measures.intervals import wilson

IMAGES = Path(__file__).parent / "images"
N = 1493  # test images that smile, in Table 1
RATES = {  # of row (1) and (2) of AIF's Table 1, (successes, n) as published and here, seed 0 (docs/log/2026-11.md)
    "Ĉ Not-Smiling": ((13, 16), (round(0.995 * N), N)),
    "Ĉ Smiling": ((16, 16), (round(0.992 * N), N)),
    "Ĉ Not-Smiling, without L_aux": ((3, 16), (round(0.204 * N), N)),
    "Ĉ Smiling, without L_aux": ((13, 16), (round(0.993 * N), N)),
}


def intervals() -> Figure:
    """The 95% intervals of the published rates and of ours."""
    figure = Figure(figsize=(7.2, 2.7), layout="constrained")
    axes = figure.subplots()
    for row, rates in enumerate(RATES.values()):
        for (successes, n), style, shift in zip(rates, ("s", "o"), (-0.14, 0.14), strict=True):
            value, low, high, _ = wilson(successes, n)
            colour = "tab:gray" if style == "s" else "tab:blue"
            label = None if row else f"{'published' if style == 's' else 'here'}, n = {n:,}"
            error = [[value - low], [high - value]]
            axes.errorbar(value, row + shift, xerr=error, fmt=style, color=colour, label=label, capsize=3)
    axes.set(yticks=range(len(RATES)), yticklabels=list(RATES), xlim=(0, 1), xlabel="share of edits that succeed")
    axes.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    axes.grid(axis="x", alpha=0.3)
    return figure


def measured(edit: Tensor, truth: Tensor, original: Tensor) -> str:
    """What the measure says of an edit: true change made, and the error outside."""
    error = CounterfactualError()
    error.update(edit[None], truth[None], original[None])
    found = error.compute()
    change = 1 - found["mse_inside"].value / found["mse_unedited"].value
    return f"true change {change:.2f}\nMSE outside {found['mse_outside'].value:.4f}"


def true_change() -> Figure:
    """A face, the truth, the region of the change, and edits that are made up."""
    data = AvatarsDataModule(resolution=64, test_size=8)
    original, truth = data.counterfactual(0, {}), data.counterfactual(0, {"Eyeglasses": 1})
    region = changed_region(truth[None], original[None])[0]
    tint = original + (truth - original) / 2
    elsewhere = torch.where(region, truth, (truth * 0.85).clamp(0, 1))
    shown = {"input": original, "truth: Eyeglasses = 1": truth, "where they differ": region.float().expand(3, -1, -1)}
    edits = {"nothing done": original, "half a tint": tint, "done": truth, "done, all darker": elsewhere}
    figure = Figure(figsize=(9.6, 1.95), layout="constrained")
    for axes, (title, image) in zip(figure.subplots(1, 7), {**shown, **edits}.items(), strict=True):
        axes.imshow(image.permute(1, 2, 0).numpy(), vmin=0, vmax=1)
        axes.set_title(title, fontsize=8)
        axes.set(xticks=[], yticks=[])
        axes.set_xlabel(measured(image, truth, original) if title in edits else "", fontsize=8)
    return figure


if __name__ == "__main__":
    for name, figure in {"intervals": intervals(), "true-change": true_change()}.items():
        figure.savefig(IMAGES / f"{name}.png", dpi=120, metadata={"Software": None})
