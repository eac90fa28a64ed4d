"""The autoencoder of JacSup §3 and A.1: an MLP whose code is allocated at its final width and opened unit by unit.

Parameters keep their shapes when the code grows (``docs/fidelity.md``, "Growth without new shapes"), so growth works
under DDP and resumes bit for bit. Unit i is the i-th that was discovered; the authors' code prepends the new unit
instead, the same network in another order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jacsup.checks import at_least_one


class GrowingAutoencoder(nn.Module):
    """E: images to a code of ``open`` units, D: back to images in [-1, 1] (a Tanh, although images are in [0, 1]).

    Closed units have no part in anything: what is computed is what a narrow network computes.

    Args:
        shape: of an image, (C, H, W).
        code_size: units open at first, k.
        max_code_size: units allocated, k + d.
        widths: of the hidden layers, from the image to the code; the decoder has them the other way round.
        normalised: whether the code is batch-normalised, as that of the first teacher is; growing ends it.
        preserving: whether growing keeps the function: the batch norm is folded into the layer before it, and the
            decoder reads a new unit with weights of 0 at first. Not in the paper, whose growth changes the function.

    Raises:
        ValueError: fewer units allocated than open, or a size below 1.
    """

    def __init__(
        self,
        shape: Sequence[int] = (1, 28, 28),
        code_size: int = 2,
        max_code_size: int = 16,
        widths: Sequence[int] = (256, 128, 64),
        normalised: bool = True,
        preserving: bool = False,
    ) -> None:
        super().__init__()
        at_least_one(code_size=code_size, widths=min(widths, default=0), shape=min(shape))
        if max_code_size < code_size:
            raise ValueError(f"max_code_size={max_code_size} is smaller than code_size={code_size}")
        self.shape, self.max_code_size = tuple(shape), max_code_size
        self.open, self.normalised, self.preserving = code_size, normalised, preserving
        self.normalised_at_first = normalised
        pixels = math.prod(self.shape)
        self.trunk = _layers([pixels, *widths])
        self.head = nn.Linear(widths[-1], max_code_size)
        self.normalisation = nn.BatchNorm1d(max_code_size, affine=False)
        self.entry = nn.Linear(max_code_size, widths[-1])
        self.outlet = _layers([*reversed(widths), pixels])[:-1]
        self._draw_entry()

    def encode(self, images: Tensor) -> Tensor:
        """Images ``[B, C, H, W]`` in [0, 1] to codes ``[B, open]``."""
        return self.normalise(self.raw_codes(images))

    def raw_codes(self, images: Tensor) -> Tensor:
        """Codes before the batch norm, ``[B, open]``."""
        hidden = self.trunk(images.flatten(1))
        return F.linear(hidden, self.head.weight[: self.open], self.head.bias[: self.open])

    def normalise(self, codes: Tensor) -> Tensor:
        """Codes as the decoder reads them."""
        if not self.normalised:
            return codes
        norm, n = self.normalisation, self.open
        assert norm.running_mean is not None
        assert norm.running_var is not None
        means, variances = norm.running_mean[:n], norm.running_var[:n]  # views: training moves them
        return F.batch_norm(codes, means, variances, training=self.training, momentum=0.1, eps=norm.eps)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes ``[B, open]`` to images ``[B, C, H, W]`` in [-1, 1]."""
        hidden = F.linear(codes, self.entry.weight[:, : self.open], self.entry.bias).relu()
        images: Tensor = self.outlet(hidden).tanh().unflatten(1, self.shape)
        return images

    def codes(self, images: Tensor) -> Tensor:
        """Images ``[B, C, H, W]`` in [0, 1] to codes ``[B, open]``."""
        return self.encode(images)

    def decode_codes(self, codes: Tensor) -> Tensor:
        """Codes ``[B, open]`` to images in [0, 1]."""
        return self.decode(codes).clamp(0, 1)

    def grow(self, units: int = 1) -> None:
        """Open more units, drawn as PyTorch draws a layer of the new width; all that is open stays as it is.

        The code is not normalised any more: students have no batch norm, and its statistics are not carried over
        (``docs/fidelity.md``, "Digits' networks"). So growing is not function-preserving, unless it is asked to be.

        Raises:
            ValueError: more units than are allocated.
        """
        if units < 1 or self.open + units > self.max_code_size:
            raise ValueError(
                f"{self.open} units are open and {units} more wanted, but "
                f"model.network.max_code_size={self.max_code_size}"
            )
        new = slice(self.open, self.open + units)
        if self.preserving and self.normalised:
            self._fold()
        self.open, self.normalised = self.open + units, False
        with torch.no_grad():
            bound = self.head.in_features**-0.5
            self.head.weight[new].uniform_(-bound, bound)
            self.head.bias[new].uniform_(-bound, bound)
            bound = 0.0 if self.preserving else self.open**-0.5
            self.entry.weight[:, new].uniform_(-bound, bound)

    @torch.no_grad()
    def _fold(self) -> None:
        """Let the encoder's last layer do what the batch norm does in evaluation mode."""
        norm, n = self.normalisation, self.open
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = (norm.running_var[:n] + norm.eps).rsqrt()
        self.head.weight[:n] *= scale[:, None]
        self.head.bias[:n] = (self.head.bias[:n] - norm.running_mean[:n]) * scale

    def restart(self, code_size: int) -> None:
        """Draw everything anew, open at another size: a first teacher of that size.

        Raises:
            ValueError: more units than are allocated.
        """
        if code_size > self.max_code_size:
            raise ValueError(f"code_size={code_size}, but model.network.max_code_size={self.max_code_size}")
        self.open, self.normalised = code_size, self.normalised_at_first
        for layer in self.modules():
            if isinstance(layer, nn.Linear | nn.BatchNorm1d):
                layer.reset_parameters()
        self._draw_entry()

    @torch.no_grad()
    def _draw_entry(self) -> None:
        """Draw the decoder's first layer as a layer of the open width: its bound depends on how much it reads."""
        bound = self.open**-0.5
        self.entry.weight[:, : self.open].uniform_(-bound, bound)
        self.entry.bias.uniform_(-bound, bound)

    def open_parameters(self) -> int:
        """Parameters that have a part in what is computed."""
        closed = self.max_code_size - self.open
        everything = sum(parameter.numel() for parameter in self.parameters())
        return everything - closed * (self.head.in_features + 1 + self.entry.out_features)

    def get_extra_state(self) -> dict[str, Any]:
        """What state dicts hold besides tensors."""
        return {"open": self.open, "normalised": self.normalised}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.open, self.normalised = state["open"], state["normalised"]


def _layers(widths: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers)
