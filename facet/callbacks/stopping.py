"""AIF's stopping rule: when the auxiliary network, which had learned to tell y, can't any more."""

from __future__ import annotations

import math
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

CONFUSION = "val/auxiliary_confusion"


class StopWhenConfused(Callback):
    """Ends the training when A is maximally confused, which is its completion (AIF §3.2).

    A's confusion is its validation loss over the entropy of y: 1 where it does as well as who knows how frequent y is
    and nothing of the code. So does an A that has learned nothing yet. Hence two conditions in turn: A must have
    **learned**, its confusion at ``learned`` or below in some validation, and then be **defeated**, at ``defeated`` or
    above in so many validations in a row. Where the confusion is no number (y has no entropy in a validation split in
    which all images have the attribute, or none) nothing was seen, neither way. An A that never learns stops nothing,
    nor do methods without one.

    Args:
        learned: confusion, above 0, up to which A knows something of y.
        defeated: confusion from which on it doesn't.
        patience: validations in a row.

    Raises:
        ValueError: the two are not in their order, or no patience.
    """

    def __init__(self, learned: float = 0.9, defeated: float = 0.99, patience: int = 3) -> None:
        if not 0 < learned < defeated:
            raise ValueError(
                f"callbacks.stopping: learned={learned} must be above 0 and below defeated={defeated}, "
                "or who has learned nothing is defeated"
            )
        if patience < 1:
            raise ValueError(f"callbacks.stopping.patience={patience}: it must be at least 1")
        self.learned, self.defeated, self.patience = learned, defeated, patience
        self.has_learned, self.in_a_row = False, 0

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        confusion = float(trainer.callback_metrics.get(CONFUSION, math.nan))
        if trainer.sanity_checking or not math.isfinite(confusion):
            return
        self.has_learned |= confusion <= self.learned
        self.in_a_row = self.in_a_row + 1 if self.has_learned and confusion >= self.defeated else 0
        if self.in_a_row >= self.patience:
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        return {"has_learned": self.has_learned, "in_a_row": self.in_a_row}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.has_learned, self.in_a_row = state_dict["has_learned"], state_dict["in_a_row"]
