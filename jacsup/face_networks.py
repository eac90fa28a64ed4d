"""The convolutional autoencoder of JacSup §4 and A.2, for any side that is a power of two from 32 on.

4×4 kernels halve the side down to 2×2 and double it again. The encoder's last layer gives z, a map of features, and k
channels whose spatial means are y; every layer of the decoder reads y beside its input, as constant channels. As in
:mod:`jacsup.digit_networks` the latent is allocated at its final width and opened in stages: the network computes,
batch-norm statistics included, what a narrow network would.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nets.checks import at_least_one, not_negative
from nets.modes import full_precision

KERNEL, STRIDE, PADDING = 4, 2, 1
SLOPE = 0.2
SIDE = 2
"""Side of the latent's map."""

# Layers have a bias although a batch norm follows, as PyTorch's layers do; so do the encoder's in the authors' code.


def levels(resolution: int) -> int:
    """How many times the encoder halves a side.

    Raises:
        ValueError: the side is not a power of two, or too small.
    """
    if resolution < 32 or resolution & (resolution - 1):
        near = max(32, 1 << (max(resolution, 1) - 1).bit_length())
        raise ValueError(
            f"resolution={resolution} can't be halved down to {SIDE}×{SIDE}: choose a power of two from 32 on, "
            f"for example data.resolution={near}"
        )
    return (resolution // SIDE).bit_length() - 1


class AttributeEncoder(nn.Module):
    """E: images to (y, z). y comes first in the last layer's channels, then z, whose first ``open`` are computed.

    Args:
        channels: of the images.
        attributes: k.
        widths: channels of all layers but the last.
        latent_channels: channels of z that are open at first.
        max_latent_channels: channels of z that are allocated.
        first_norm: whether a batch norm follows the first layer, too.
    """

    def __init__(
        self,
        channels: int,
        attributes: int,
        widths: Sequence[int],
        latent_channels: int,
        max_latent_channels: int,
        first_norm: bool = True,
    ) -> None:
        super().__init__()
        self.attributes, self.open = attributes, latent_channels
        first, *rest = itertools.pairwise((channels, *widths))
        self.trunk = nn.Sequential(_halving(*first, first_norm), *(_halving(*layer) for layer in rest))
        self.head = nn.Conv2d(widths[-1], attributes + max_latent_channels, KERNEL, STRIDE, PADDING)
        self.norm = nn.BatchNorm2d(attributes + max_latent_channels)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images ``[B, C, r, r]`` in [-1, 1] to (y ``[B, k]``, z ``[B, open, 2, 2]``)."""
        used = self.attributes + self.open
        assert self.head.bias is not None
        latent = F.conv2d(self.trunk(images), self.head.weight[:used], self.head.bias[:used], STRIDE, PADDING)
        norm, tracked = self.norm, self.norm.track_running_stats
        assert norm.running_mean is not None
        assert norm.running_var is not None
        latent = F.batch_norm(
            latent,
            norm.running_mean[:used] if tracked else None,  # views, which training updates
            norm.running_var[:used] if tracked else None,
            norm.weight[:used],
            norm.bias[:used],
            training=self.training or not tracked,
            momentum=norm.momentum or 0.0,
            eps=norm.eps,
        )
        latent = full_precision(F.leaky_relu(latent, SLOPE))
        return latent[:, : self.attributes].mean((2, 3)), latent[:, self.attributes :]

    def grow(self, channels: int) -> None:
        """Open more channels of z, drawn as PyTorch draws a layer, with their batch norm reset."""
        used = self.attributes + self.open
        new = slice(used, used + channels)
        _draw(self.head.weight, new)
        assert self.head.bias is not None
        norm = self.norm
        with torch.no_grad():
            self.head.bias[new] = 0  # the batch norm removes a bias anyway
            for values, start in ((norm.weight, 1), (norm.bias, 0), (norm.running_mean, 0), (norm.running_var, 1)):
                assert values is not None
                values[new] = start
        self.open += channels

    def get_extra_state(self) -> dict[str, Any]:
        """The part of the state dict that is not tensors."""
        return {"open": self.open}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.open = state["open"]


class AttributeDecoder(nn.Module):
    """D: (y, z) to images; every layer reads y beside its input. The first layer reads as many channels as z has.

    Args:
        channels: of the images.
        attributes: k.
        widths: output channels of all layers but the last.
        max_latent_channels: channels of z that are allocated.
        bias: whether layers have a bias.
    """

    def __init__(
        self, channels: int, attributes: int, widths: Sequence[int], max_latent_channels: int, bias: bool = True
    ) -> None:
        super().__init__()
        self.entry = _transposed(attributes + max_latent_channels, widths[0], bias)
        self.norm = nn.BatchNorm2d(widths[0])
        self.blocks = nn.ModuleList(_doubling(i + attributes, o, bias) for i, o in itertools.pairwise(widths))
        self.outlet = _transposed(widths[-1] + attributes, channels, bias)

    def forward(self, y: Tensor, z: Tensor) -> Tensor:
        """(y ``[B, k]``, z ``[B, open, 2, 2]``) to images ``[B, C, r, r]`` in [-1, 1]."""
        latent = beside(y, z)
        weight = self.entry.weight[: latent.shape[1]]
        hidden = self.norm(F.conv_transpose2d(latent, weight, self.entry.bias, STRIDE, PADDING)).relu()
        for block in self.blocks:
            hidden = block(beside(y, hidden))
        return full_precision(self.outlet(beside(y, hidden))).tanh()

    def grow(self, used: int, channels: int) -> None:
        """Draw the weights that read new channels of z, after the ``used`` channels of y and z."""
        _draw(self.entry.weight, slice(used, used + channels))


class AttributeAutoencoder(nn.Module):
    """E and D, with images and y on the scale -1 to 1. Channel i of z is the i-th that was opened.

    The authors' code prepends new channels, which gives the same network in another order.

    Args:
        resolution: side of the images, a power of two of at least 32.
        channels: of the images.
        attributes: k.
        width: channels of the first convolution; each next one has twice as many, up to ``max_width``.
        max_width: largest number of channels of a layer.
        latent_channels: channels of z that are open at first; d is four times as many.
        max_latent_channels: channels of z that are allocated.
        surplus: additional channels of the encoder's last layer but one; k in the authors' code.
        first_norm: whether a batch norm follows the encoder's first layer, too; none does in the authors' code.
        decoder_bias: whether transposed convolutions have a bias; they have none in the authors' code.

    Raises:
        ValueError: a resolution that doesn't work, fewer channels allocated than open, or a size below 1.
    """

    def __init__(
        self,
        resolution: int = 256,
        channels: int = 3,
        attributes: int = 40,
        width: int = 16,
        max_width: int = 512,
        latent_channels: int = 512,
        max_latent_channels: int = 2048,
        surplus: int = 0,
        first_norm: bool = True,
        decoder_bias: bool = True,
    ) -> None:
        super().__init__()
        at_least_one(channels=channels, attributes=attributes, width=width, max_width=max_width)
        at_least_one(latent_channels=latent_channels)
        not_negative(surplus=surplus)
        if max_latent_channels < latent_channels:
            raise ValueError(
                f"max_latent_channels={max_latent_channels} is smaller than latent_channels={latent_channels}"
            )
        self.resolution, self.attributes, self.allocated = resolution, attributes, max_latent_channels
        widths = [min(width << i, max_width) for i in range(levels(resolution) - 1)]
        down, up = [*widths[:-1], widths[-1] + surplus], widths[::-1]
        self.encoder = AttributeEncoder(channels, attributes, down, latent_channels, max_latent_channels, first_norm)
        self.decoder = AttributeDecoder(channels, attributes, up, max_latent_channels, decoder_bias)

    @property
    def open(self) -> int:
        """Channels of z that have a part in what is computed."""
        return self.encoder.open

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images ``[B, C, r, r]`` in [-1, 1] to (y ``[B, k]``, z ``[B, open, 2, 2]``).

        Raises:
            ValueError: images of another resolution than the network's.
        """
        if images.shape[-1] != self.resolution:  # their latent would have another side
            raise ValueError(f"images of {images.shape[-1]} pixels, but model.network.resolution={self.resolution}")
        y, z = self.encoder(images)
        return y, z

    def decode(self, y: Tensor, z: Tensor) -> Tensor:
        """(y ``[B, k]``, z ``[B, open, 2, 2]``) to images ``[B, C, r, r]`` in [-1, 1]."""
        images: Tensor = self.decoder(y, z)
        return images

    def grow(self, channels: int) -> None:
        """Open more channels of z; the open channels keep their weights.

        Raises:
            ValueError: more channels than are allocated.
        """
        if channels < 1 or self.open + channels > self.allocated:
            raise ValueError(
                f"{self.open} channels are open and {channels} more wanted, but "
                f"model.network.max_latent_channels={self.allocated}"
            )
        self.decoder.grow(self.attributes + self.open, channels)
        self.encoder.grow(channels)

    def open_parameters(self) -> int:
        """Parameters that have a part in what is computed."""
        each = self.encoder.head.weight[0].numel() + self.decoder.entry.weight[0].numel() + 3
        closed = self.allocated - self.open
        return sum(parameter.numel() for parameter in self.parameters()) - closed * each


def _draw(weight: Tensor, new: slice) -> None:
    """Draw weights as PyTorch draws a convolution's; its bound for a transposed one uses the output channels."""
    bound = (weight.shape[1] * KERNEL * KERNEL) ** -0.5
    with torch.no_grad():
        weight[new].uniform_(-bound, bound)


def beside(y: Tensor, values: Tensor) -> Tensor:
    """y ``[B, k]`` as constant channels before values ``[B, C, H, W]``: ``[B, k + C, H, W]``."""
    planes = y.to(values.dtype)[:, :, None, None].expand(-1, -1, *values.shape[2:])
    if values.is_contiguous(memory_format=torch.channels_last):  # or the result would be slow
        planes = planes.contiguous(memory_format=torch.channels_last)
    return torch.cat([planes, values], dim=1)


def _halving(inputs: int, outputs: int, norm: bool = True) -> nn.Sequential:
    norms = [nn.BatchNorm2d(outputs)] if norm else []
    return nn.Sequential(nn.Conv2d(inputs, outputs, KERNEL, STRIDE, PADDING), *norms, nn.LeakyReLU(SLOPE))


def _doubling(inputs: int, outputs: int, bias: bool) -> nn.Sequential:
    return nn.Sequential(_transposed(inputs, outputs, bias), nn.BatchNorm2d(outputs), nn.ReLU())


def _transposed(inputs: int, outputs: int, bias: bool) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, KERNEL, STRIDE, PADDING, bias=bias)
