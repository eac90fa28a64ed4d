"""A training whose losses are no numbers any more ends, and its last good checkpoint is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from facet.errors import UserError

LOOK = 10  # batches whose losses are looked at together where that makes a device, or other processes, wait
IMAGES = 8  # named in a message


class Finite(Callback):
    """Looks at every loss that a step logs, and at all weights before they are written.

    The losses of some batches are kept where they are and looked at together, so that no step waits for a number.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[int, tuple[str, ...], Tensor, Tensor]] = []  # batch, losses, which aren't numbers, images

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        losses = {name: value for name, value in trainer.callback_metrics.items() if name.startswith("train/")}
        if losses:
            broken = ~torch.stack([value.detach().float() for value in losses.values()]).isfinite()
            self.seen.append((trainer.fit_loop.epoch_loop.total_batch_idx, tuple(losses), broken, batch["index"]))
        waits = trainer.world_size > 1 or trainer.strategy.root_device.type != "cpu"
        if not waits or (batch_idx + 1) % LOOK == 0:
            self.look(trainer)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Nothing broken is written over what is good.

        Raises:
            UserError: a loss or a weight is no number.
        """
        self.look(trainer)
        weights = dict(pl_module.named_parameters())
        averages = {name: checkpoint["state_dict"][name] for name in weights}  # the same, where nothing is averaged
        if broken := _broken(weights) or _broken(averages):
            raise UserError(f"{broken} of the model is no finite number: {ADVICE}")

    def look(self, trainer: Trainer) -> None:
        """Find the first loss that is no number.

        Raises:
            UserError: there is one.
        """
        seen, self.seen = self.seen, []
        found = any(bool(broken.any()) for *_, broken, _ in seen)
        if trainer.world_size > 1:
            found = trainer.strategy.reduce_boolean_decision(found, all=False)
        if not found:
            return
        for number, names, broken, images in seen:
            if bool(broken.any()):
                name = names[int(broken.int().argmax())]
                shown = ", ".join(str(int(image)) for image in images[:IMAGES])
                raise UserError(
                    f"{name} is no finite number in batch {number} (images {shown}{', …' * (len(images) > IMAGES)} of "
                    f"the training split): {ADVICE}"
                )
        raise UserError(f"a loss of another process is no finite number: {ADVICE}")


ADVICE = "the last good checkpoint is kept; try a smaller learning rate, or a clipped gradient where the method has one"


def _broken(weights: Mapping[str, Tensor]) -> str | None:
    """The first of some weights with something in it that is no number."""
    return next((name for name, value in weights.items() if not bool(value.isfinite().all())), None)
