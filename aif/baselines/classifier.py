"""A strong classifier of attributes, with which AIF's Figure 2 compares E_y.

It stands in for Zhuang et al. 2018, whose code is not public.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric
from torchvision.models import resnet18

from aif import losses
from aif.editor import Positioned
from aif.schedule import Schedule
from nets.checks import at_least_one
from nets.modes import full_precision
from nets.stepping import MakeOptimizer, descend


class AttributeClassifier(Positioned):
    """torchvision's ResNet-18 without weights, for small images: stride 1 and no pooling before the first block.

    Args:
        attribute_names: the k attributes, in the order of the batch's columns.
        optimizer: makes the optimiser.
        resolution: side of the images; from 128 on, the first layers are ResNet's own.
        schedule: of the learning rate; constant if None.
    """

    def __init__(
        self,
        attribute_names: Sequence[str],
        optimizer: MakeOptimizer,
        resolution: int = 64,
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__()
        at_least_one(resolution=resolution)
        self.attribute_names = tuple(attribute_names)
        self.network: Any = resnet18(num_classes=len(self.attribute_names))
        if resolution < 128:
            self.network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
            self.network.maxpool = nn.Identity()
        self.make_optimizer, self.schedule = optimizer, schedule or Schedule()
        self.validation: Any = MeanMetric()

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """A step on the cross-entropy."""
        optimizer: Any = self.optimizers()
        self.schedule.apply(self.progress(batch_idx), [optimizer])
        loss = losses.classification(full_precision(self.network(batch["image"])), batch["attributes"])
        descend(self, loss, [optimizer])
        self.log("train/class", loss.detach())

    def configure_optimizers(self) -> Optimizer:
        return self.make_optimizer(self.parameters())

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        labels = batch["attributes"]
        known = ~labels.isnan()
        self.validation.update(((self.predict(batch["image"]) > 0.5) == labels.bool())[known].float())

    def on_validation_epoch_end(self) -> None:
        self.log("val/accuracy", self.validation.compute())
        self.validation.reset()

    def predict(self, images: Tensor) -> Tensor:
        """Images ``[B, C, H, W]`` in [0, 1] to probabilities of the attributes, ``[B, k]``."""
        return torch.sigmoid(full_precision(self.network(images)))
