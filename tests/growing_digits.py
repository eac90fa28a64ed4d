"""A progressive autoencoder that trains in seconds, for the tests of growth."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningDataModule, LightningModule, Trainer
from torch import Tensor

from datamodules.loader import Loader, make_loader
from datamodules.order import Order
from jacsup.digit_networks import GrowingAutoencoder
from jacsup.digits import ProgressiveAutoencoder
from jacsup.growth import ProgressiveGrowth
from jacsup.weights import DigitWeights

SHAPE, SIZE, BATCH = (1, 6, 6), 64, 16


class KilledError(Exception):
    """The process ends here."""


class Kill(Callback):
    """Ends the run in the second batch of an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if (trainer.current_epoch, batch_idx) == (self.epoch, 1):
            raise KilledError


class Pictures(LightningDataModule):
    """A data module of blobs."""

    def tensors(self, split: str) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(len(split))
        coarse = torch.rand(SIZE, 1, 2, 2, generator=generator)
        images = torch.nn.functional.interpolate(coarse, size=6, mode="bilinear")
        return (images * 255).byte(), torch.zeros(SIZE, 0)

    def _loader(self, split: str) -> Loader:
        trainer = self.trainer
        assert trainer is not None
        ranks = {"rank": trainer.global_rank, "world_size": trainer.world_size}
        share = BATCH // trainer.world_size
        order = Order(SIZE, share, shuffle=split == "train", steps=2, epoch=lambda: trainer.current_epoch, **ranks)
        return make_loader(self.tensors(split)[0], {}, order, "device", trainer.strategy.root_device)

    def train_dataloader(self) -> Loader:
        return self._loader("train")

    def val_dataloader(self) -> Loader:
        return self._loader("val")


def module(**settings: Any) -> ProgressiveAutoencoder:
    torch.manual_seed(3)
    network = GrowingAutoencoder(SHAPE, 2, settings.pop("max_units", 4), (16, 8))
    weights = DigitWeights(**settings.pop("weights", {}))
    adam = functools.partial(torch.optim.Adam, lr=1e-2, weight_decay=1e-4)
    return ProgressiveAutoencoder(network, adam, BATCH, weights, **{"swapped_units": "code", **settings})


def trainer(root: Path, *callbacks: Callback, **settings: Any) -> Trainer:
    return Trainer(
        default_root_dir=root,
        callbacks=list(callbacks),
        **{
            "max_epochs": -1,
            "accelerator": "cpu",
            "devices": 1,
            "logger": False,
            "num_sanity_val_steps": 0,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "enable_checkpointing": False,
            **settings,
        },
    )


class Watch(Callback):
    """Records the code size, the optimiser's steps and the losses of every epoch."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.steps: list[float] = []
        self.seen: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.sizes.append(pl_module.code_size)  # type: ignore[arg-type]
        state = next(iter(trainer.optimizers[0].state.values()))
        self.steps.append(float(state["step"]))
        self.seen.append({name: float(value) for name, value in trainer.callback_metrics.items()})


def fit(root: Path, growth: ProgressiveGrowth, *callbacks: Callback, model: Any = None, **settings: Any) -> Any:
    model = model or module()
    torch.manual_seed(5)
    trainer(root, *callbacks, growth, **settings).fit(model, datamodule=Pictures())
    return model


def same(one: LightningModule, other: LightningModule) -> bool:
    found, expected = one.state_dict(), other.state_dict()
    assert found.keys() == expected.keys()
    return all(
        torch.equal(value, expected[name]) if isinstance(value, Tensor) else value == expected[name]
        for name, value in found.items()
    )
