"""``data=heads``: heads drawn from a parametric 3-D model, with known factors and true counterfactuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from datamodules.drawn import DrawnDataModule, Sampling
from datamodules.heads.drawing import render
from datamodules.heads.factors import TABLE, Head, draw_head, look
from datamodules.heads.worker import finished
from datamodules.loading import Loading
from datamodules.residency import Residency

DRAWING_VERSION = 2


class HeadsDataModule(DrawnDataModule[Head]):
    """Heads, with their true counterfactuals.

    Settings: as :class:`datamodules.drawn.DrawnDataModule`, and

        grey: draw without colour, in three equal channels.

    Raises:
        ValueError: an unknown attribute, or a setting outside its range.
    """

    data, noun, worker, table = "heads", "a head", "datamodules.heads.worker:draw_run", TABLE

    def __init__(
        self,
        resolution: int = 64,
        attributes: Sequence[str] | None = None,
        train_size: int = 20_000,
        val_size: int = 2_000,
        test_size: int = 3_000,
        images_per_identity: int = 4,
        correlation: float = 0.0,
        test_correlation: float | None = None,
        rates: Mapping[str, float] | None = None,
        label_noise: float = 0.0,
        grey: bool = False,
        seed: int = 0,
        root: str | None = None,
        batch_size: int = 64,
        workers: int | None = None,
        order_seed: int = 0,
        flip: bool | None = None,
        residency: Residency = "auto",
        images_per_epoch: int | None = None,
        balance: str | None = None,
    ) -> None:
        loading = Loading(batch_size, workers, order_seed, flip, residency, images_per_epoch, balance)
        sampling = Sampling(seed, correlation, test_correlation, rates, label_noise)
        sizes = (train_size, val_size, test_size)
        super().__init__(resolution, attributes, sizes, images_per_identity, sampling, root, loading)
        self.grey = grey

    def versions(self) -> Mapping[str, Any]:
        return {"drawing": DRAWING_VERSION}

    def settings_of(self, split: str) -> dict[str, Any]:
        return super().settings_of(split) | {"grey": self.grey}

    def draw(self, index: int, split: str) -> Head:
        people = self.images_per_identity[split]
        return draw_head(split=split, index=index, images_per_identity=people, **self.sampling.of(split))

    def render(self, factors: Head) -> np.ndarray:
        return finished(render(look(factors), self.resolution), self.grey)
