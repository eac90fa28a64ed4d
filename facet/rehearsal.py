"""Rehearses a run: a few training steps on made-up images, before any data are prepared.

It reports, in one line, mistakes that no constructor can see: networks whose shapes don't fit one another or the
images. The steps are those of the training, with a trainer of their own, on a model that is discarded. The random state
is restored.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any

import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from omegaconf import DictConfig
from pytorch_lightning import Callback, LightningDataModule, LightningModule, Trainer
from pytorch_lightning.utilities.seed import isolate_rng
from torch import Tensor
from torch.utils.data import DataLoader

from facet.errors import UserError, nearest

IMAGES = 4  # per batch: some methods halve the batch, and batch norms need two images
SHARES = (0.0, 1 - 1e-9)  # the progress of a run at its beginning and at its end


class MadeUp(LightningDataModule):
    """A small batch of noise in a data set's shape; images alternate between no attributes and all attributes.

    Args:
        data: the data module that it replaces.
        images: the number of images in a batch.
        batches: the number of training batches.
    """

    def __init__(self, data: Any, images: int = IMAGES, batches: int = len(SHARES)) -> None:
        super().__init__()
        self.count, self.batches = min(images, data.batch_size), batches
        shape = self.count, data.channels, data.resolution, data.resolution
        self.images = torch.randint(0, 256, shape, dtype=torch.uint8)
        self.labels = (torch.arange(self.count) % 2.0)[:, None].expand(-1, len(data.attribute_names))

    def tensors(self, split: str) -> tuple[Tensor, Tensor]:
        """Images uint8 and labels, the same for all splits."""
        return self.images, self.labels

    def train_dataloader(self) -> DataLoader[Any]:
        return self._batches(self.batches)

    def val_dataloader(self) -> DataLoader[Any]:
        return self._batches(1)

    def _batches(self, count: int) -> DataLoader[Any]:
        index = torch.arange(self.count)
        batch = {"image": self.images.float() / 255, "attributes": self.labels, "index": index, "label": index}
        return DataLoader([batch] * count, batch_size=None)  # type: ignore[arg-type]


def rehearse(model: LightningModule, data: Any, callbacks: Iterable[Callback]) -> set[str]:
    """Train a step as at the beginning and a step as at the end of the run, and validate.

    A model that grows does this in its first, second and last stage.

    Args:
        model: the model; it can't be used afterwards.
        data: the run's data module; only its shape is used.
        callbacks: the run's callbacks; one that grows the model defines its stages.

    Returns:
        The names of the metrics that were logged.

    Raises:
        UserError: the networks don't fit one another or the images.
    """
    logged: set[str] = set()
    with isolate_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning warns about such a short run
        shown = MadeUp(data)
        try:
            for _ in _stages(model, callbacks):
                logged |= _fit(model, shown)
        except (RuntimeError, ValueError, IndexError) as error:
            shape = "×".join(map(str, shown.images.shape[1:]))
            raise UserError(
                f"the networks don't fit together, or not images of {shape} with {shown.labels.shape[1]} attributes: "
                f"in {_where(model, error.__traceback__)}: {' '.join(str(error).split())}"
            ) from error
    return logged


def _stages(model: Any, callbacks: Iterable[Callback]) -> Iterator[None]:
    yield
    for callback in callbacks:
        if hasattr(callback, "milestones"):
            yield from callback.milestones(model)


def _fit(model: Any, shown: MadeUp) -> set[str]:
    """Train for one or two batches; returns the names of the metrics that were logged."""
    trainer = Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=1,
        limit_train_batches=len(SHARES) if hasattr(model, "progress") else 1,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        plugins=[LightningEnvironment()],  # one process, on a cluster too
    )
    if hasattr(model, "progress"):  # schedules depend on it
        model.progress = lambda batch_idx: SHARES[batch_idx]
    trainer.fit(model, datamodule=shown)
    return set(trainer.callback_metrics)


def _where(model: LightningModule, trace: TracebackType | None) -> str:
    """The innermost module of the model in a traceback, such as ``model.decoder.project.0``."""
    names = {id(module): f"model.{name}".rstrip(".") for name, module in model.named_modules()}
    innermost = "model"
    while trace is not None:
        innermost = names.get(id(trace.tb_frame.f_locals.get("self")), innermost)
        trace = trace.tb_next
    return innermost


def refuse_of_the_trainer(settings: DictConfig, model: LightningModule, data: Any) -> None:
    """Refuse trainer settings that have no effect under manual optimisation, and name the setting to use instead.

    Raises:
        UserError: such a setting is set.
    """
    if model.automatic_optimization:
        return
    clip, batches = settings.get("gradient_clip_val"), settings.get("accumulate_grad_batches") or 1
    if clip:
        own = f": set model.gradient_clip={clip}" if hasattr(model, "gradient_clip") else " and doesn't clip gradients"
        raise UserError(f"trainer.gradient_clip_val={clip}: this method does its own optimiser steps{own}")
    if batches != 1:
        raise UserError(
            f"trainer.accumulate_grad_batches={batches}: this method does its own optimiser steps: "
            f"for a batch of this size set data.batch_size={batches * data.batch_size}"
        )


def refuse_unread(model: LightningModule, overrides: Iterable[str]) -> None:
    """Refuse settings on the command line that have no effect in this run. Presets may have such settings.

    Args:
        model: its ``unread``, if it has one, names settings without effect, and why.
        overrides: the command line's overrides.

    Raises:
        UserError: a setting has no effect.
    """
    for key in (override.split("=")[0].lstrip("+~") for override in overrides):
        for name, why in getattr(model, "unread", {}).items():
            if f"{key}.".startswith(f"model.{name}."):
                raise UserError(f"{key} has no effect: {why}")


def refuse_unlogged(config: DictConfig, callbacks: dict[str, Any], data: Any, logged: set[str]) -> None:
    """Check that the metrics that callbacks and a search watch are logged.

    Raises:
        UserError: one isn't.
    """
    for callback in callbacks.values():
        if hasattr(callback, "logged"):
            logged = logged | callback.logged(data.attribute_names)
    watched = [(f"callbacks.{name}.monitor", getattr(value, "monitor", None)) for name, value in callbacks.items()]
    lenient = [f"callbacks.{name}.monitor" for name, value in callbacks.items() if not getattr(value, "strict", True)]
    for key, name in [*watched, *(("objective", name) for name in config.objective or ())]:
        if name is not None and name not in logged and key not in lenient:
            raise UserError(f"{key}={name}: no such metric is logged; nearest: {nearest(name, logged)}")
