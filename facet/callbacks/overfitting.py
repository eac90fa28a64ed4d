"""Says when the encoder knows the attributes of its training images by heart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from facet.commands import say
from facet.protocols import Batch, Editor, LabelsGiven

MOST = 1000  # images of each split that are read
CHUNK = 250
POINTS = 0.05  # a difference that matters
ERRORS = 3.0  # standard errors of the validation split's share that chance may make


class Overfitting(Callback):
    """Compares, in every validation, how often ŷ is right in training and in validation images.

    Logged is ``train/accuracy``, over the first images of the training split as they are stored, in evaluation mode and
    with averaged weights; ``val/accuracy`` is its counterpart. The first time an attribute's ŷ is right in clearly more
    training than validation images, a line says so. Methods that predict no attributes are left alone.
    """

    def __init__(self) -> None:
        self.said = False
        self.first: dict[str, tuple[Tensor, Tensor]] = {}  # images and labels that are read, of each split

    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Batch, batch_idx: int, dataloader_idx: int = 0
    ) -> None:  # not at the epoch's start, when an erasure isn't fitted yet
        if batch_idx or not isinstance(pl_module, Editor) or isinstance(pl_module, LabelsGiven):
            return
        train, val = (self._right(trainer, pl_module, split) for split in ("train", "val"))
        pl_module.log("train/accuracy", train.nanmean(), batch_size=1, rank_zero_only=True)
        if trainer.is_global_zero and not self.said:
            self._tell(pl_module.attribute_names, train, val)

    def _right(self, trainer: Trainer, editor: Any, split: str) -> Tensor:
        """Whether ŷ is right for each image and attribute of a split, ``[N, k]``, NaN where it isn't known."""
        if split not in self.first:
            images, labels = trainer.datamodule.tensors(split)  # type: ignore[attr-defined]
            self.first[split] = images[:MOST].clone(), labels[:MOST].clone()
        images, labels = self.first[split]
        device = editor.device
        # encode may sample a code: the training's noise stays as it is without this callback
        with (
            torch.random.fork_rng([device] if device.type == "cuda" else []),
            trainer.precision_plugin.forward_context(),
        ):
            guesses = [editor.encode(some.to(device).float() / 255)[0] for some in torch.split(images, CHUNK)]
        labels = labels.to(device)
        right = ((torch.cat(guesses) > 0.5) == (labels > 0.5)).float()
        return torch.where(labels.isnan(), torch.nan, right)

    def _tell(self, names: Sequence[str], train: Tensor, val: Tensor) -> None:
        for name, learned, seen in overfitted(names, train, val):
            self.said = True
            say(
                f"{name}: ŷ is right in {learned:.1%} of training and {seen:.1%} of validation images, so the encoder "
                "overfits: more images, data.flip=true or a smaller networks.width help",
                "yellow",
            )


def overfitted(names: Sequence[str], train: Tensor, val: Tensor) -> list[tuple[str, float, float]]:
    """The attributes of which ŷ is right in clearly more training than validation images, with both shares.

    Args:
        names: of the k attributes.
        train: whether ŷ is right, ``[N, k]`` in {0, 1}, NaN where it isn't known.
        val: the same of the validation split, ``[M, k]``.
    """
    found = []
    for name, *splits in zip(names, train.T, val.T, strict=True):
        known = [values[~values.isnan()] for values in splits]
        learned, seen = (float(values.mean()) for values in known)
        count = max(len(known[1]), 1)
        chance = ERRORS * math.sqrt(max(seen * (1 - seen), 1 / count) / count)
        if learned - seen > max(POINTS, chance):  # never of NaN
            found.append((name, learned, seen))
    return found
