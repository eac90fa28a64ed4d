"""A data set for Lightning's trainer. Data sets themselves import no torch: what one holds is told without waiting."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import LightningDataModule

from datamodules.loader import Loader
from datamodules.stored import StoredDataModule


class ForLightning(LightningDataModule):
    """A data set as a LightningDataModule, with all else that the data set has.

    Args:
        data: the data set; it learns of the trainer when batches are asked for.
    """

    def __init__(self, data: StoredDataModule) -> None:
        super().__init__()
        self.data = data
        self.name = data.name  # Lightning's class has one, which would hide it

    def prepare_data(self) -> None:
        self.data.prepare_data()

    def train_dataloader(self) -> Loader:
        self.data.trainer = self.trainer
        return self.data.train_dataloader()

    def val_dataloader(self) -> Loader:
        self.data.trainer = self.trainer
        return self.data.val_dataloader()

    def test_dataloader(self) -> Loader:
        self.data.trainer = self.trainer
        return self.data.test_dataloader()

    def __getattr__(self, name: str) -> Any:
        if name == "data":  # not there yet, while it is copied
            raise AttributeError(name)
        return getattr(self.data, name)
