"""Untrained models of every method, tiny, as they are exported: their batch norms have seen something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from facet.build import make
from facet.configuration import compose_config
from facet.editing.editor import PictureEditor
from facet.exporting.subject import Subject
from facet.judge import Judge
from facet.runs import Run

NAMES = ("Smiling", "Eyeglasses")
NARROW = ("data.resolution=16", "networks.width=4", "networks.latent_dim=6", f"attributes=[{','.join(NAMES)}]")
FACES = ("data.resolution=32", "networks.width=4", f"attributes=[{','.join(NAMES)}]")
FACES = (*FACES, "model.network.latent_channels=2", "model.network.max_latent_channels=8")
EDITORS: dict[str, tuple[str, ...]] = {
    "ifcvae_gan": NARROW,
    "ifcvae_gan residual": (*NARROW, "networks.kind=residual"),
    "ifcvae_gan erasure": (*NARROW, "ablation=erasure", "model.erasure.noise=0"),
    "cvae_gan": ("model=cvae_gan", *NARROW),
    "icgan": ("model=icgan", *NARROW),
    "fader": ("model=fader", *NARROW, "networks.latent_dim=4"),
    "jacsup_faces": ("model=jacsup_faces", *FACES),
}
DIGITS = ("model=jacsup_digits",)


def untrained(overrides: tuple[str, ...], directory: Path, judged: bool = True) -> Subject:
    """A model with the settings of a training, with random weights and random batch-norm statistics."""
    torch.manual_seed(0)
    config = compose_config("train", [*overrides])
    model: Any = make(config.model)
    for part in model.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.running_mean is not None:
            part.running_mean.normal_(std=0.1)
            part.running_var.uniform_(0.5, 1.5)  # type: ignore[union-attr]
    model.eval().requires_grad_(False)
    resolution = int(config.data.get("resolution", 28))
    channels = 1 if "mnist" in str(config.data._target_) else 3
    judge = None
    if judged:
        judge = Judge((*NAMES, "Wearing_Hat"), resolution, channels, 4).eval().fused().requires_grad_(False)
    return Subject(Run(directory), config, PictureEditor(model, resolution, channels, judge=judge))
