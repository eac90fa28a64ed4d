"""``data=heads``: heads drawn from a parametric 3-D model, with known factors and true counterfactuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from datamodules.building import Chunks
from datamodules.heads.factors import TABLE, Head, draw_head
from datamodules.loading import Loading
from datamodules.residency import Residency
from datamodules.splits import SPLITS
from datamodules.store import data_directory
from datamodules.stored import StoredDataModule, check_attributes, runs
from datamodules.workers import run_jobs

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 200
DRAWING_VERSION = 1


class HeadsDataModule(StoredDataModule):
    """Heads, with their true counterfactuals. Arguments and errors are those of ``AvatarsDataModule``."""

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
        flip: bool = False,
        residency: Residency = "auto",
    ) -> None:
        loading = Loading(batch_size, workers, order_seed, flip, residency)
        super().__init__("heads", TABLE.names, attributes, resolution, 3, data_directory("heads", root), loading)
        self.sizes = dict(zip(SPLITS, (train_size, val_size, test_size), strict=True))
        self.images_per_identity = {split: images_per_identity if split == "train" else 1 for split in SPLITS}
        self.settings: dict[str, Any] = {"seed": seed, "correlation": correlation}

    def size(self, split: str) -> int:
        return self.sizes[split]

    def describe(self, split: str, flipped: str | None = None) -> Mapping[str, Any]:
        return {
            "data": "heads",
            "drawing": DRAWING_VERSION,
            "resolution": self.resolution,
            **self.settings,
            "images_per_identity": self.images_per_identity[split],
            "split": split,
            "size": self.sizes[split],
            "flipped": flipped,
        }

    def make(self, split: str, done: np.ndarray, flipped: str | None = None) -> Chunks:
        remaining = runs(done, CHUNK)
        people = self.images_per_identity[split]
        common = {"split": split, "resolution": self.resolution, "changes": flipped, "images_per_identity": people}
        jobs = [{"start": run.start, "stop": run.stop, **common, **self.settings} for run in remaining]
        for run, (images, labels) in zip(
            remaining, run_jobs("datamodules.heads.worker:draw_run", jobs, self.workers), strict=True
        ):
            yield run.start, images, labels

    @property
    def exclusive(self) -> dict[str, frozenset[str]]:
        return {name: TABLE.members(group) - {name} for group in TABLE.groups for name in TABLE.members(group)}

    def implied(self, name: str, value: bool) -> dict[str, bool]:
        return TABLE.implied(name, value)

    def factors(self, index: int, split: str = "test") -> Head:
        people = self.images_per_identity[split]
        return draw_head(split=split, index=index, images_per_identity=people, **self.settings)

    def counterfactuals(self, name: str, split: str = "test") -> Tensor:
        """Every image of a split with one attribute inverted, ``[N, 3, r, r]`` uint8."""
        check_attributes([name], TABLE.names, "heads")
        make = partial(self.make, split, flipped=name)
        import torch

        return torch.from_numpy(self.open(f"{split}-{name}", split, self.describe(split, name), make).images[:])
