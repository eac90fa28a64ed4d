"""How batches are loaded: the settings that every data set has."""

from __future__ import annotations

from dataclasses import dataclass

from datamodules.residency import Residency


@dataclass(frozen=True)
class Loading:
    """The settings of a data set's batches; :class:`datamodules.stored.StoredDataModule` describes each.

    Raises:
        ValueError: a setting outside its range.
    """

    batch_size: int
    workers: int | None = None
    order_seed: int = 0
    flip: bool | None = None
    residency: Residency = "auto"
    images_per_epoch: int | None = None

    def __post_init__(self) -> None:
        if self.batch_size < 2:
            raise ValueError(f"data.batch_size={self.batch_size}: batch norm and pairs of images need at least 2")
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"data.workers={self.workers}: it must be at least 1, or null for one per core")
