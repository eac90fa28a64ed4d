"""One step of several optimisers from one backward pass, in every precision and in any number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pytorch_lightning import LightningModule
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer

MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]


class JointOptimizer:
    """Several optimisers as one, so that a loss scaler (``16-mixed``) unscales all of them and skips all or none.

    Their gradients come from one backward pass: if one of them overflowed, the others can't be trusted.
    """

    def __init__(self, optimizers: Sequence[Optimizer]) -> None:
        self.optimizers = optimizers

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The parameter groups of all optimisers."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    def zero_grad(self) -> None:
        """Clear all gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()

    def step(self) -> None:
        """Step every optimiser."""
        for optimizer in self.optimizers:
            optimizer.step()


def descend(
    module: LightningModule,
    loss: Tensor,
    optimizers: Sequence[Any],
    clip: float | None = None,
    clip_together: Sequence[Sequence[Any]] | None = None,
    counts: bool = True,
) -> None:
    """Run one backward pass and step each optimiser.

    Args:
        module: a module with manual optimisation.
        loss: the scalar whose gradient all optimisers follow.
        optimizers: Lightning's optimisers, or torch's where there is no Trainer.
        clip: largest gradient norm, measured without the loss scale; None does not clip.
        clip_together: groups of optimisers, each group clipped by its own norm; each optimiser by itself if None.
        counts: whether this step counts for the Trainer, whose ``global_step`` and ``max_steps`` then count batches.
    """
    # Lightning by itself would count every optimiser's step, and does not clip fused optimisers.
    joint = JointOptimizer([getattr(optimizer, "optimizer", optimizer) for optimizer in optimizers])
    scaler: Any = getattr(getattr(module._trainer, "precision_plugin", None), "scaler", None)  # in 16-mixed
    joint.zero_grad()
    module.manual_backward(loss)
    if scaler is not None:
        scaler.unscale_(joint)
    if clip is not None:
        for group in [[optimizer] for optimizer in optimizers] if clip_together is None else clip_together:
            nn.utils.clip_grad_norm_(_parameters(group), clip)
    counted = optimizers[0] if counts and isinstance(optimizers[0], LightningOptimizer) else None
    if counted is not None:
        counted._on_before_step()
    if scaler is None:
        joint.step()
    else:
        scaler.step(joint)
        scaler.update()
    if counted is not None:
        counted._on_after_step()


def _parameters(optimizers: Sequence[Any]) -> list[nn.Parameter]:
    groups = (group for optimizer in optimizers for group in optimizer.param_groups)
    return [parameter for group in groups for parameter in group["params"]]


def whole_batch(module: LightningModule, values: Tensor) -> Tensor:
    """``[B, ...]`` of all processes together, with a gradient into this process's share.

    A loss that is not a mean over samples (a covariance, a distance between means) needs the whole batch; otherwise it
    would depend on the number of processes.
    """
    if module._trainer is None or module.trainer.world_size == 1:
        return values
    gathered: Tensor = module.all_gather(values, sync_grads=True)  # type: ignore[assignment]
    return gathered.flatten(0, 1)
