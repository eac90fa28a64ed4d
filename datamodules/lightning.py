"""A data set for Lightning's trainer. Data sets themselves import no torch, so that describing one is quick."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import LightningDataModule

from datamodules.loader import Loader
from datamodules.stored import StoredDataModule


class ForLightning(LightningDataModule):
    """A data set as a ``LightningDataModule``. Other attributes are looked up in the data set.

    Args:
        data: the data set; it is given the trainer whenever Lightning asks for batches.
    """

    def __init__(self, data: StoredDataModule) -> None:
        super().__init__()
        self.data = data
        self.name = data.name  # Lightning's class has an attribute of this name, which would hide the data set's

    def prepare_data(self) -> None:
        self.data.prepare_data()

    def train_dataloader(self) -> Loader:
        self.data.trainer = self.trainer
        return self.data.loader("train")

    def val_dataloader(self) -> Loader:
        self.data.trainer = self.trainer
        return self.data.loader("val")

    def test_dataloader(self) -> Loader:
        self.data.trainer = self.trainer
        return self.data.loader("test")

    def __getattr__(self, name: str) -> Any:
        if name == "data":  # missing while the module is being copied
            raise AttributeError(name)
        return getattr(self.data, name)
