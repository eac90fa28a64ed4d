"""A run's first steps on a few made-up images, before any data are drawn: whether its parts fit one another.

What no constructor can know is told here, in one line: networks of which one doesn't read what another makes, or that
are made for other images. The steps are training's own, with a trainer of their own, of a model that is thrown away;
the random state is left as it was.
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

IMAGES = 4  # in a batch: some methods halve it, and batch norms want two
SHARES = (0.0, 1 - 1e-9)  # of a run: where it begins, and where it ends


class MadeUp(LightningDataModule):
    """A small batch of noise in a data set's shape, without and with every attribute in turn.

    Args:
        data: the data module in whose place it stands.
        images: in a batch.
        batches: to train with.
    """

    def __init__(self, data: Any, images: int = IMAGES, batches: int = len(SHARES)) -> None:
        super().__init__()
        self.count, self.batches = min(images, data.batch_size), batches
        shape = self.count, data.channels, data.resolution, data.resolution
        self.images = torch.randint(0, 256, shape, dtype=torch.uint8)
        self.labels = (torch.arange(self.count) % 2.0)[:, None].expand(-1, len(data.attribute_names))

    def tensors(self, split: str) -> tuple[Tensor, Tensor]:
        """Images uint8 and labels, the same for every split."""
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
    """Train for a step where a run begins and for one where it ends, and validate; in the first, second and last stage.

    Args:
        model: is spoilt by it.
        data: the run's data module, of which the shape alone is looked at.
        callbacks: the run's; one that makes the model grow says what its stages are.

    Returns:
        The names that were logged.

    Raises:
        UserError: the networks don't fit one another, or the images.
    """
    logged: set[str] = set()
    with isolate_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Lightning, about so short a run
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
    """A short training; the names that were logged."""
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
        plugins=[LightningEnvironment()],  # whatever cluster this is
    )
    if hasattr(model, "progress"):  # what the method does depends on it
        model.progress = lambda batch_idx: SHARES[batch_idx]
    trainer.fit(model, datamodule=shown)
    return set(trainer.callback_metrics)


def _where(model: LightningModule, trace: TracebackType | None) -> str:
    """The innermost part of the model that was computing, as its config key begins: ``model.decoder.project.0``."""
    names = {id(module): f"model.{name}".rstrip(".") for name, module in model.named_modules()}
    found = "model"
    while trace is not None:
        found = names.get(id(trace.tb_frame.f_locals.get("self")), found)
        trace = trace.tb_next
    return found


def refuse_of_the_trainer(settings: DictConfig, model: LightningModule, data: Any) -> None:
    """Say what takes the place of Lightning's settings for modules that it optimises, where ours step by themselves.

    Raises:
        UserError: one of those settings.
    """
    if model.automatic_optimization:
        return
    clip, batches = settings.get("gradient_clip_val"), settings.get("accumulate_grad_batches") or 1
    if clip:
        own = f"say model.gradient_clip={clip}" if hasattr(model, "gradient_clip") else "this one clips no gradient"
        raise UserError(f"trainer.gradient_clip_val={clip}: methods take their steps themselves: {own}")
    if batches != 1:
        raise UserError(
            f"trainer.accumulate_grad_batches={batches}: methods take their steps themselves: for so large a batch say "
            f"data.batch_size={batches * data.batch_size}"
        )


def refuse_unread(model: LightningModule, said: Iterable[str]) -> None:
    """Check that what was said on the command line has a part in the run; what presets say may have none.

    Args:
        model: may name such settings, and why they have none, in ``unread``.
        said: overrides as Hydra takes them.

    Raises:
        UserError: a setting that nothing reads.
    """
    for key in (override.split("=")[0].lstrip("+~") for override in said):
        for name, why in getattr(model, "unread", {}).items():
            if f"{key}.".startswith(f"model.{name}."):
                raise UserError(f"{key} would change nothing: {why}")


def refuse_unlogged(config: DictConfig, callbacks: dict[str, Any], data: Any, logged: set[str]) -> None:
    """Check that what callbacks and a search watch is logged.

    Raises:
        UserError: it isn't.
    """
    for callback in callbacks.values():
        if hasattr(callback, "logged"):
            logged = logged | callback.logged(data.attribute_names)
    watched = [(f"callbacks.{name}.monitor", getattr(one, "monitor", None)) for name, one in callbacks.items()]
    lenient = [f"callbacks.{name}.monitor" for name, one in callbacks.items() if not getattr(one, "strict", True)]
    for key, name in [*watched, *(("objective", name) for name in config.objective or ())]:
        if name is not None and name not in logged and key not in lenient:
            raise UserError(f"{key}={name}: nothing of that name is logged; nearest: {nearest(name, logged)}")
