"""The codes of the last batches, on which the auxiliary network takes its further steps."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nets.checks import at_least_one


class Memory(nn.Module):
    """The last codes that A read in all processes, and their labels.

    They are part of the checkpoint, so that resuming changes nothing.

    Args:
        size: how many codes the memory holds.
        latent_dim: n_z.
        attributes: k.
    """

    codes: Tensor
    labels: Tensor
    place: Tensor

    def __init__(self, size: int = 2048, latent_dim: int = 100, attributes: int = 1) -> None:
        super().__init__()
        at_least_one(size=size, latent_dim=latent_dim, attributes=attributes)
        self.register_buffer("codes", torch.zeros(size, latent_dim))
        self.register_buffer("labels", torch.full((size, attributes), float("nan")))
        self.register_buffer("place", torch.zeros((), dtype=torch.long))

    def add(self, codes: Tensor, labels: Tensor) -> None:
        """Replace the oldest codes and labels by new ones, ``[B, n_z]`` and ``[B, k]``."""
        where = (self.place + torch.arange(len(codes), device=codes.device)) % len(self.codes)
        self.codes[where] = codes.detach().to(self.codes.dtype)
        self.labels[where] = labels.to(self.labels.dtype)
        self.place.copy_((self.place + len(codes)) % len(self.codes))

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """Draw codes ``[count, n_z]`` and labels ``[count, k]``; the labels of empty places are NaN."""
        chosen = torch.randint(len(self.codes), (count,), device=self.codes.device)
        return self.codes[chosen], self.labels[chosen]
