"""``data=avatars``: the embedded data set of drawn portraits with known factors and true counterfactuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from datamodules.avatar_drawing import render, versions
from datamodules.avatar_factors import TABLE, Avatar, draw_avatar
from datamodules.drawn import DrawnDataModule, Sampling
from datamodules.loading import Loading
from datamodules.residency import Residency


class AvatarsDataModule(DrawnDataModule[Avatar]):
    """Avatars, with their true counterfactuals. Settings: as :class:`datamodules.drawn.DrawnDataModule`.

    Raises:
        ValueError: an unknown attribute, or a setting outside its range.
    """

    data, noun, worker, table = "avatars", "an avatar", "datamodules.avatar_drawing:draw_run", TABLE

    def __init__(
        self,
        resolution: int = 64,
        attributes: Sequence[str] | None = None,
        train_size: int = 20_000,
        val_size: int = 2_000,
        test_size: int = 3_000,
        images_per_identity: int = 4,
        correlation: float = 0.0,
        seed: int = 0,
        root: str | None = None,
        batch_size: int = 64,
        workers: int | None = None,
        order_seed: int = 0,
        flip: bool | None = None,
        residency: Residency = "auto",
        images_per_epoch: int | None = None,
        test_correlation: float | None = None,
        rates: Mapping[str, float] | None = None,
        label_noise: float = 0.0,
        balance: str | None = None,
    ) -> None:
        loading = Loading(batch_size, workers, order_seed, flip, residency, images_per_epoch, balance)
        sizes = (train_size, val_size, test_size)
        sampling = Sampling(seed, correlation, test_correlation, rates, label_noise)
        super().__init__(resolution, attributes, sizes, images_per_identity, sampling, root, loading)

    def versions(self) -> Mapping[str, Any]:
        return versions()

    def draw(self, index: int, split: str) -> Avatar:
        people = self.images_per_identity[split]
        return draw_avatar(split=split, index=index, images_per_identity=people, **self.settings_of(split))

    def render(self, factors: Avatar) -> np.ndarray:
        return render(factors, self.resolution)
