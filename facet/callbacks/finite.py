"""A training whose losses or weights are no numbers any more ends, or goes on without the batch that made them so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from facet.callbacks.undoing import Undoing
from facet.errors import UserError

LOOK = 10  # batches that are looked at together where that makes a device, or other processes, wait
IMAGES = 8  # named in a message
WEIGHTS = "a weight of the model"


class Finite(Callback):
    """Looks at every loss that a step logs and has weight, and at all weights after it.

    No step waits for a number: of some batches what was found is kept where it is, and looked at together. Or, where
    batches are skipped, each is undone by the device itself (:mod:`facet.callbacks.undoing`), with all its steps; it
    counts as a batch of the run, for schedules too, and its noise is drawn.

    Args:
        skip: whether a batch that leads to what is no number is undone, instead of ending the run.

    Attributes:
        skipped: how many batches were.
    """

    def __init__(self, skip: bool = False) -> None:
        self.skip, self.skipped = skip, torch.zeros((), dtype=torch.long)
        self.before = Undoing()
        self.seen: list[tuple[int, tuple[str, ...], Tensor, Tensor]] = []  # batch, what, which isn't a number, images

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self.skip:
            self.before.take(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        names, broken = _found(trainer, pl_module)
        waits = trainer.world_size > 1 or trainer.strategy.root_device.type != "cpu"
        if self.skip:
            fine = ~broken.any()
            if trainer.world_size > 1:
                fine = trainer.strategy.reduce(fine.int(), reduce_op="min").bool()
            self.before.undo_unless(fine, told=not waits)
            self.skipped = self.skipped.to(fine.device) + ~fine
            pl_module.log("train/skipped", self.skipped.float())
            return
        self.seen.append((trainer.fit_loop.epoch_loop.total_batch_idx, names, broken, batch["index"]))
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

    def state_dict(self) -> dict[str, Any]:
        return {"skipped": int(self.skipped)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.skipped = torch.tensor(state_dict["skipped"])

    def look(self, trainer: Trainer) -> None:
        """Find the first loss, or weights, that are no numbers.

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


ADVICE = (
    "the last good checkpoint is kept; try a smaller learning rate, or a clipped gradient where the method has one; "
    "on_nonfinite=skip goes on from there without such batches"
)


@torch.no_grad()
def _found(trainer: Trainer, module: LightningModule) -> tuple[tuple[str, ...], Tensor]:
    """What of a step could be no number, and which of it isn't, bool, where the training is."""
    logged: dict[str, Tensor] = trainer._logger_connector.metrics["callback"]  # of this step: older ones are other's
    weight_of = getattr(module, "loss_weights", {})
    losses = {
        name: value.detach().float()
        for name, value in logged.items()
        if name.startswith("train/") and weight_of.get(name.removeprefix("train/")) != 0
    }
    sizes = torch._foreach_norm(list(module.parameters()))  # no number if anything in them is none
    weights = torch.stack([size.to(module.device, torch.float) for size in sizes]).sum()
    return (*losses, WEIGHTS), ~torch.stack([*losses.values(), weights]).isfinite()


def _broken(weights: Mapping[str, Tensor]) -> str | None:
    """The first of some weights with something in it that is no number."""
    return next((name for name, value in weights.items() if not bool(value.isfinite().all())), None)
