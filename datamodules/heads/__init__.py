"""``data=heads``: heads drawn from a parametric 3-D model, with known factors and true counterfactuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from datamodules.drawn import DrawnDataModule
from datamodules.heads.drawing import render
from datamodules.heads.factors import TABLE, Head, draw_head, look
from datamodules.heads.worker import finished
from datamodules.loading import Loading
from datamodules.residency import Residency

DRAWING_VERSION = 1


class HeadsDataModule(DrawnDataModule[Head]):
    """Heads, with their true counterfactuals.

    Args: as :class:`datamodules.avatars.AvatarsDataModule`, and

        test_correlation: correlation of the test split; as train if None.
        rates: attribute -> positive rate, where it is not the default.
        label_noise: share of the train and validation labels that are inverted. Test labels are true.
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
        flip: bool = False,
        residency: Residency = "auto",
        images_per_epoch: int | None = None,
    ) -> None:
        loading = Loading(batch_size, workers, order_seed, flip, residency, images_per_epoch)
        strengths = {
            "correlation": correlation,
            "test_correlation": correlation if test_correlation is None else test_correlation,
            "label_noise": label_noise,
        }
        sizes = (train_size, val_size, test_size)
        super().__init__(resolution, attributes, sizes, images_per_identity, seed, strengths, root, loading)
        wanted = {name: float(rate) for name, rate in (rates or {}).items()}
        self.drawn_table = TABLE.with_rates(wanted)
        self.settings |= {"rates": wanted, "grey": grey}

    def versions(self) -> Mapping[str, Any]:
        return {"drawing": DRAWING_VERSION}

    def settings_of(self, split: str) -> dict[str, Any]:
        settings = dict(self.settings)
        other = settings.pop("test_correlation")
        if split == "test":
            settings |= {"correlation": other, "label_noise": 0.0}
        return settings

    def draw(self, index: int, split: str) -> Head:
        settings = self.settings_of(split)
        people = self.images_per_identity[split]
        return draw_head(settings["seed"], split, index, people, settings["correlation"], self.drawn_table)

    def render(self, factors: Head) -> np.ndarray:
        return finished(render(look(factors), self.resolution), self.settings["grey"])
