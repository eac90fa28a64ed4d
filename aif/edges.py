"""Edges that scale gradients, so that networks that play against each other share one backward pass.

The auxiliary network reads z, and its own loss sends a gradient back; the encoder needs -γ times that gradient. The
discriminator reads a decoded image; the decoder needs -δ times the discriminator's gradient (the paper's saturating
form) or, per sample, -δ·(1-σ)/σ times it (the non-saturating form, where σ is the discriminator's probability that the
fake is real). An edge is the identity in the forward pass and such a factor in the backward pass, so that each network
gets its own gradient from one backward pass.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, edge: Edge) -> Tensor:
        ctx.edge = edge
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        weight = ctx.edge.weight
        if isinstance(weight, Tensor):
            weight = weight.to(gradient.dtype).view(-1, *[1] * (gradient.dim() - 1))
        return gradient * weight, None


class Edge:
    """An identity whose backward pass multiplies by ``weight``; it may be set at any time before the backward pass.

    Attributes:
        weight: a number, or one number per sample ``[B]``.
    """

    def __init__(self, weight: float | Tensor = 1.0) -> None:
        self.weight = weight

    def __call__(self, values: Tensor) -> Tensor:
        return _Scale.apply(values, self)  # type: ignore[no-any-return, no-untyped-call]


def nonsaturating_weight(fake: Tensor, ratio: float) -> Tensor:
    """The per-sample weight that turns the discriminator's gradient at a fake into that of the non-saturating loss.

    With logit l and σ = sigmoid(l), d/dl of the discriminator's term is σ and of the generator's is -(1-σ); their
    ratio is -(1-σ)/σ = -exp(-l). It holds for each sample alone, so the discriminator may not mix samples by a batch
    norm.

    Args:
        fake: the discriminator's logits of the fakes, ``[B]``.
        ratio: (weight of the generator's term) / (weight of the discriminator's term).
    """
    # Below a logit of -50 the product with σ would leave float32's range; the discriminator is certain there anyway.
    logits = fake.detach().to(torch.promote_types(fake.dtype, torch.float32))
    return -ratio * torch.exp(-logits.clamp(min=-50.0))
