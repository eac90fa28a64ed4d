"""The autoencoder of JacSup §3 and A.1: an MLP whose code is allocated at its final width and opened unit by unit.

Parameters keep their shapes when the code grows (``docs/fidelity.md``, "Growth without new shapes"), so growth works
under DDP and resumes bit for bit. Unit i is the i-th that was opened. The authors' code prepends new units instead,
which gives the same network in another order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nets.checks import at_least_one


class GrowingAutoencoder(nn.Module):
    """E: images to a code of ``open`` units, D: codes to images in [-1, 1] (a Tanh, although images are in [0, 1]).

    Closed units have no part in anything: the network computes what a narrow network would.

    Args:
        shape: of an image, (C, H, W).
        units: units of the code that are open at first, k.
        max_units: units of the code that are allocated, k + d.
        widths: of the encoder's hidden layers, from image to code; the decoder has them in reverse order.
        normalised: whether the code is batch-normalised, as the first teacher's is, until the network grows.
        preserving: whether growth keeps the function: the batch norm is folded into the layer before it, and the
            decoder reads a new unit with weights of 0 at first. Not in the paper, whose growth changes the function.

    Raises:
        ValueError: fewer units allocated than open, or a size below 1.
    """

    def __init__(
        self,
        shape: Sequence[int] = (1, 28, 28),
        units: int = 2,
        max_units: int = 16,
        widths: Sequence[int] = (256, 128, 64),
        normalised: bool = True,
        preserving: bool = False,
    ) -> None:
        super().__init__()
        at_least_one(units=units, widths=min(widths, default=0), shape=min(shape))
        if max_units < units:
            raise ValueError(f"max_units={max_units} is smaller than units={units}")
        self.shape, self.allocated = tuple(shape), max_units
        self.open, self.normalised, self.preserving = units, normalised, preserving
        self.normalised_at_first = normalised
        pixels = math.prod(self.shape)
        self.trunk = _layers([pixels, *widths])
        self.head = nn.Linear(widths[-1], max_units)
        self.normalisation = nn.BatchNorm1d(max_units, affine=False)
        self.entry = nn.Linear(max_units, widths[-1])
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
        """Raw codes to codes as the decoder reads them, both ``[B, open]``."""
        if not self.normalised:
            return codes
        norm, n = self.normalisation, self.open
        assert norm.running_mean is not None
        assert norm.running_var is not None
        means, variances = norm.running_mean[:n], norm.running_var[:n]  # views, which training updates
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
        """Open more units, drawn as PyTorch draws a layer of the new width; the open units keep their weights.

        From then on the code is not normalised: students have no batch norm, and its statistics are not carried over
        (``docs/fidelity.md``, "Digits' networks"). So growth changes the function, unless ``preserving`` is set.

        Raises:
            ValueError: more units than are allocated.
        """
        if units < 1 or self.open + units > self.allocated:
            raise ValueError(
                f"{self.open} units are open and {units} more wanted, but model.network.max_units={self.allocated}"
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
        """Fold the batch norm, as it is in evaluation mode, into the encoder's last layer."""
        norm, n = self.normalisation, self.open
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = (norm.running_var[:n] + norm.eps).rsqrt()
        self.head.weight[:n] *= scale[:, None]
        self.head.bias[:n] = (self.head.bias[:n] - norm.running_mean[:n]) * scale

    def restart(self, units: int) -> None:
        """Redraw all parameters and open so many units: a first teacher of that size.

        Raises:
            ValueError: more units than are allocated.
        """
        if units > self.allocated:
            raise ValueError(f"units={units}, but model.network.max_units={self.allocated}")
        self.open, self.normalised = units, self.normalised_at_first
        for layer in self.modules():
            if isinstance(layer, nn.Linear | nn.BatchNorm1d):
                layer.reset_parameters()
        self._draw_entry()

    @torch.no_grad()
    def _draw_entry(self) -> None:
        """Draw the decoder's first layer as a layer of the open width: the bound depends on the number of inputs."""
        bound = self.open**-0.5
        self.entry.weight[:, : self.open].uniform_(-bound, bound)
        self.entry.bias.uniform_(-bound, bound)

    def open_parameters(self) -> int:
        """Parameters that have a part in what is computed."""
        closed = self.allocated - self.open
        everything = sum(parameter.numel() for parameter in self.parameters())
        return everything - closed * (self.head.in_features + 1 + self.entry.out_features)

    def get_extra_state(self) -> dict[str, Any]:
        """The part of the state dict that is not tensors."""
        return {"open": self.open, "normalised": self.normalised}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.open, self.normalised = state["open"], state["normalised"]


def _layers(widths: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers)
