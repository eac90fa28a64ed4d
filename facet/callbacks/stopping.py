"""AIF's stopping rule: training ends when the auxiliary network, which could predict y before, no longer can."""

from __future__ import annotations

import math
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

CONFUSION = "val/auxiliary_confusion"


class StopWhenConfused(Callback):
    """Ends the training when A is maximally confused (AIF §3.2).

    A's confusion is its validation loss over the entropy of y. It is 1 if A predicts only the frequency of y, which is
    also true of an A that has learned nothing yet. So there are two conditions in turn: A must have **learned**, with a
    confusion of at most ``learned`` in a validation, and then be **defeated**, with at least ``defeated`` in
    ``patience`` validations in a row. Validations without a finite confusion are ignored (y has no entropy if all
    images of the split have the attribute, or none). If A never learns, or a method has no A, the rule never stops the
    training.

    Args:
        learned: confusion, above 0, up to which A predicts y.
        defeated: confusion from which A no longer does.
        patience: number of validations in a row.

    Raises:
        ValueError: ``learned`` is not between 0 and ``defeated``, or ``patience`` is below 1.
    """

    def __init__(self, learned: float = 0.9, defeated: float = 0.99, patience: int = 3) -> None:
        if not 0 < learned < defeated:
            raise ValueError(
                f"callbacks.stopping: learned={learned} must be above 0 and below defeated={defeated}, "
                "or an auxiliary network that has learned nothing counts as defeated"
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
