"""A face autoencoder that trains in seconds, for the tests of its schedule."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import torch
from growing_digits import trainer
from pytorch_lightning import Callback, LightningDataModule
from torch import Tensor

from datamodules.loader import Loader, make_loader
from datamodules.order import Order
from jacsup.face_networks import AttributeAutoencoder
from jacsup.faces import ProgressiveAttributeAutoencoder
from jacsup.growth import ProgressiveGrowth
from jacsup.weights import FaceWeights

NAMES = ("Bright", "Left")
SIZE, BATCH, SIDE = 64, 16, 32
TEACHER = {"cycle_attributes": 1e-2, "cycle_nuisance": 1e-2}
STUDENT = {"code": 1.0, "difference": 50.0, "prediction": 0.0}


class Bars(LightningDataModule):
    """A data module of noisy backgrounds, bright or dark, with a bar on the left or on the right."""

    def tensors(self, split: str) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(len(split))
        labels = torch.randint(0, 2, (SIZE, 2), generator=generator).float()
        coarse = torch.rand(SIZE, 3, 4, 4, generator=generator)
        images = 0.4 * torch.nn.functional.interpolate(coarse, size=SIDE) + 0.3 * labels[:, 0, None, None, None]
        for image, label in zip(images, labels, strict=True):
            image[:, :, slice(2, 8) if label[1] else slice(24, 30)] = 1
        labels[::9, 1] = float("nan")
        return (images * 255).byte(), labels

    def _loader(self, split: str) -> Loader:
        run = self.trainer
        assert run is not None
        images, labels = self.tensors(split)
        ranks = {"rank": run.global_rank, "world_size": run.world_size}
        order = Order(SIZE, BATCH, shuffle=split == "train", epoch=lambda: run.current_epoch, **ranks)
        return make_loader(images, {"attributes": labels}, order)

    def train_dataloader(self) -> Loader:
        return self._loader("train")

    def val_dataloader(self) -> Loader:
        return self._loader("val")


def module(
    teacher: dict[str, float] | None = None, student: dict[str, float] | None = None, **settings: Any
) -> ProgressiveAttributeAutoencoder:
    torch.manual_seed(3)
    network = AttributeAutoencoder(SIDE, 3, len(NAMES), width=4, max_width=8, latent_channels=2, max_latent_channels=6)
    adam = functools.partial(torch.optim.Adam, lr=3e-3, betas=(0.5, 0.99))
    weights = FaceWeights(**{**TEACHER, **(teacher or {})}), FaceWeights(**{**STUDENT, **(student or {})})
    return ProgressiveAttributeAutoencoder(network, NAMES, adam, *weights, **settings)


def schedule(*epochs: int) -> ProgressiveGrowth:
    return ProgressiveGrowth(sizes=[2, 2, 4, 6], epochs=list(epochs or (1, 1, 1, 1)))


def fit(root: Path, growth: ProgressiveGrowth, *callbacks: Callback, model: Any = None, **settings: Any) -> Any:
    model = model or module()
    torch.manual_seed(5)
    trainer(root, *callbacks, growth, **settings).fit(model, datamodule=Bars())
    return model
