"""One step of several optimisers, from one backward pass, in every precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytorch_lightning import LightningModule
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer


class Together:
    """Optimisers as one, so that a loss scaler (``16-mixed``) unscales, and skips, all of them or none.

    Their gradients come from one pass: where one overflowed, the others are not to be trusted.
    """

    def __init__(self, optimizers: Sequence[Optimizer]) -> None:
        self.optimizers = optimizers

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Of all of them."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()

    def step(self) -> None:
        """A step of each."""
        for optimizer in self.optimizers:
            optimizer.step()


def descend(
    module: LightningModule,
    loss: Tensor,
    optimizers: Sequence[Any],
    clip: float | None = None,
    counts: bool = True,
) -> None:
    """One backward pass and a step of each optimiser.

    Args:
        module: optimised by hand.
        loss: whose gradient all of them follow.
        optimizers: Lightning's, or torch's where there is no Trainer.
        clip: largest norm of the gradient of all that is stepped, free of the loss scale; None does not clip.
        counts: whether this is the batch's step for the Trainer, whose ``global_step``, and ``max_steps``, thus count
            batches. Lightning would count every optimiser's step, and clip none that is fused.
    """
    together = Together([getattr(optimizer, "optimizer", optimizer) for optimizer in optimizers])
    scaler: Any = getattr(getattr(module._trainer, "precision_plugin", None), "scaler", None)  # in 16-mixed
    together.zero_grad()
    module.manual_backward(loss)
    if scaler is not None:
        scaler.unscale_(together)
    if clip is not None:
        nn.utils.clip_grad_norm_([p for group in together.param_groups for p in group["params"]], clip)
    counted = optimizers[0] if counts and isinstance(optimizers[0], LightningOptimizer) else None
    if counted is not None:
        counted._on_before_step()
    if scaler is None:
        together.step()
    else:
        scaler.step(together)
        scaler.update()
    if counted is not None:
        counted._on_after_step()
