"""Ends a training whose losses or weights are not finite, or undoes the batch that made them so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from facet.callbacks.undoing import Undoing
from facet.errors import UserError

LOOK = 10  # batches that are checked together where a check makes a device, or other processes, wait
IMAGES = 8  # most images that a message names
WEIGHTS = "a weight of the model"


class Finite(Callback):
    """Checks every logged loss whose weight is not 0, and all model weights, after every batch.

    No step waits for the result. Results stay on their device, and those of several batches are checked together.
    If batches are skipped, the device itself undoes a bad batch (:mod:`facet.callbacks.undoing`) with all its steps.
    A skipped batch still counts as a batch of the run, for schedules too, and its noise has been drawn.

    Args:
        skip: whether a batch that leads to a non-finite value is undone, instead of ending the run.

    Attributes:
        skipped: number of batches that were undone.
    """

    def __init__(self, skip: bool = False) -> None:
        self.skip, self.skipped = skip, torch.zeros((), dtype=torch.long)
        self.before = Undoing()
        # Number of the batch, names of the values, whether each is not finite, images.
        self.unchecked: list[tuple[int, tuple[str, ...], Tensor, Tensor]] = []

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self.skip:
            self.before.take(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        names, broken = _values(trainer, pl_module)
        waits = trainer.world_size > 1 or trainer.strategy.root_device.type != "cpu"
        if self.skip:
            fine = ~broken.any()
            if trainer.world_size > 1:
                fine = trainer.strategy.reduce(fine.int(), reduce_op="min").bool()
            self.before.undo_unless(fine, known=not waits)
            self.skipped = self.skipped.to(fine.device) + ~fine
            pl_module.log("train/skipped", self.skipped.float())
            return
        self.unchecked.append((trainer.fit_loop.epoch_loop.total_batch_idx, names, broken, batch["index"]))
        if not waits or (batch_idx + 1) % LOOK == 0:
            self.look(trainer)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keeps a good checkpoint from being replaced by a broken one.

        Raises:
            UserError: a loss or a weight is not finite.
        """
        self.look(trainer)
        weights = dict(pl_module.named_parameters())
        averages = {name: checkpoint["state_dict"][name] for name in weights}  # or the weights, without averaging
        if broken := _broken(weights) or _broken(averages):
            raise UserError(f"{broken} of the model is no finite number: {ADVICE}")

    def state_dict(self) -> dict[str, Any]:
        return {"skipped": int(self.skipped)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.skipped = torch.tensor(state_dict["skipped"])

    def look(self, trainer: Trainer) -> None:
        """Check the batches since the last check.

        Raises:
            UserError: a loss or a weight is not finite; the message names the first.
        """
        unchecked, self.unchecked = self.unchecked, []
        any_broken = any(bool(broken.any()) for *_, broken, _ in unchecked)
        if trainer.world_size > 1:
            any_broken = trainer.strategy.reduce_boolean_decision(any_broken, all=False)
        if not any_broken:
            return
        for number, names, broken, images in unchecked:
            if bool(broken.any()):
                name = names[int(broken.int().argmax())]
                shown = ", ".join(str(int(image)) for image in images[:IMAGES])
                raise UserError(
                    f"{name} is no finite number in batch {number} (images {shown}{', …' * (len(images) > IMAGES)} of "
                    f"the training split): {ADVICE}"
                )
        raise UserError(f"a loss of another process is no finite number: {ADVICE}")


ADVICE = (
    "the last good checkpoint is kept; try a smaller learning rate, or a clipped gradient where the method has one; "
    "on_nonfinite=skip goes on from there without such batches"
)


@torch.no_grad()
def _values(trainer: Trainer, module: LightningModule) -> tuple[tuple[str, ...], Tensor]:
    """The names of a step's values, and whether each is not finite (boolean, on the training's device)."""
    logged: dict[str, Tensor] = trainer._logger_connector.metrics["callback"]  # of this step, by OwnStep
    weight_of = getattr(module, "loss_weights", {})
    losses = {
        name: value.detach().float()
        for name, value in logged.items()
        if name.startswith("train/") and weight_of.get(name.removeprefix("train/")) != 0
    }
    sizes = torch._foreach_norm(list(module.parameters()))  # a norm is finite only if all its values are
    weights = torch.stack([size.to(module.device, torch.float) for size in sizes]).sum()
    return (*losses, WEIGHTS), ~torch.stack([*losses.values(), weights]).isfinite()


def _broken(weights: Mapping[str, Tensor]) -> str | None:
    """The name of the first weight that is not finite, if any."""
    return next((name for name, value in weights.items() if not bool(value.isfinite().all())), None)
