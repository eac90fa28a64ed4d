"""The networks of AIF (``docs/fidelity.md``, "Plain networks"), for any side divisible by 16.

Four halvings down and four doublings up, channel counts ``width`` · (1, 2, 4, 8), of two kinds. ``plain`` is what the
authors ran, DCGAN-like: 5×5 convolutions of stride 2, and 3×3 transposed ones. ``residual`` (Tables 2 and 3) is ours: a
block of :mod:`aif.residual` for each of them, and at the images' side a 3×3 convolution to or from ``width`` / 2
channels. Networks return logits; callers that need probabilities or pixels apply the sigmoid.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from aif.checks import check_sizes
from aif.residual import Down, Up
from nets.checks import at_least_one, below_one

LabelEntry = Literal["first", "every"]
Kind = Literal["plain", "residual"]

DOUBLINGS = 5
"""Layers of a decoder, or fewer; plain ones have four."""


def beside(values: Tensor, labels: Tensor | None) -> Tensor:
    """``[B, C, H, W]`` and y ``[B, k]`` as constant channels, ``[B, C + k, H, W]``."""
    if labels is None:
        return values
    planes = labels[:, :, None, None].expand(-1, -1, *values.shape[2:])
    return torch.cat([values, planes.to(values.dtype)], dim=1)


def trunk(kind: Kind, channels: int, width: int, batch_norm: bool, leak: float = 0.0) -> nn.Sequential:
    """Images ``[B, channels, H, W]`` to features ``[B, 8 width, H/16, W/16]``."""
    widths = (width, 2 * width, 4 * width, 8 * width)
    if kind == "residual":
        blocks = (Down(i, o, batch_norm, leak) for i, o in itertools.pairwise((width // 2, *widths)))
        return nn.Sequential(nn.Conv2d(channels, width // 2, 3, padding=1), *blocks)
    layers: list[nn.Module] = []
    for out in widths:
        layers.append(nn.Conv2d(channels, out, 5, stride=2, padding=2, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm2d(out))
        layers.append(nn.LeakyReLU(leak) if leak else nn.ReLU())
        channels = out
    return nn.Sequential(*layers)


def doublings(kind: Kind, channels: int, width: int, extra: Sequence[int] = ()) -> Iterator[nn.Module]:
    """``[B, 8 width, H/16, W/16]`` to logits ``[B, channels, H, W]``; layer i reads ``extra[i]`` more channels."""
    more = itertools.chain(extra, itertools.repeat(0))
    if kind == "residual":
        widths = (8 * width, 4 * width, 2 * width, width, width // 2)
        yield from (Up(i + next(more), o) for i, o in itertools.pairwise(widths))
        yield nn.Conv2d(width // 2 + next(more), channels, 3, padding=1)
        return
    for i, o in itertools.pairwise((8 * width, 4 * width, 2 * width, width)):
        yield nn.Sequential(
            nn.ConvTranspose2d(i + next(more), o, 3, stride=2, padding=1, output_padding=1, bias=False),
            nn.BatchNorm2d(o),
            nn.ReLU(),
        )
    yield nn.ConvTranspose2d(width + next(more), channels, 3, stride=2, padding=1, output_padding=1)


def projection(inputs: int, start: tuple[int, int, int], norm: bool) -> nn.Sequential:
    """A decoder's first layer: ``[B, inputs]`` to maps ``[B, *start]``."""
    norms = [nn.BatchNorm2d(start[0])] if norm else []
    return nn.Sequential(nn.Linear(inputs, math.prod(start)), nn.Unflatten(1, start), *norms, nn.ReLU())


class Encoder(nn.Module):
    """E: images to the parameters of q(z|x) and the logits of ŷ.

    Args:
        resolution: side of the images, a multiple of 16.
        channels: of the images.
        attributes: k, how many ŷ are predicted.
        latent_dim: n_z.
        width: channels of the first convolution; the authors' 64.
        batch_norm: after each convolution; the authors have none.
        detach_label_head: the y head reads detached features, so that L_class never reaches the trunk (the authors'
            code; not in the paper).
        kind: of the layers, ``plain`` or ``residual``.
        max_log_variance: largest log σ² (not in the paper); None sets no limit. The encoder's gain from A's mistakes
            has no bound, so without L_KL σ grows until it overflows.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        attributes: int = 1,
        latent_dim: int = 100,
        width: int = 64,
        batch_norm: bool = False,
        detach_label_head: bool = False,
        kind: Kind = "plain",
        max_log_variance: float | None = None,
    ) -> None:
        super().__init__()
        check_sizes(resolution, kind, attributes, channels=channels, latent_dim=latent_dim, width=width)
        self.detach_label_head, self.max_log_variance = detach_label_head, max_log_variance
        self.trunk = nn.Sequential(*trunk(kind, channels, width, batch_norm), nn.Flatten())
        features = 8 * width * (resolution // 16) ** 2
        self.mean = nn.Linear(features, latent_dim)
        self.log_variance = nn.Linear(features, latent_dim)
        self.label = nn.Linear(features, attributes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images ``[B, C, H, W]`` in [0, 1] to (μ ``[B, n_z]``, log σ² ``[B, n_z]``, logits of ŷ ``[B, k]``)."""
        features = self.trunk(images)
        label_features = features.detach() if self.detach_label_head else features
        log_variance = self.log_variance(features)
        if self.max_log_variance is not None:
            log_variance = log_variance.clamp(max=self.max_log_variance)
        return self.mean(features), log_variance, self.label(label_features)


class Decoder(nn.Module):
    """D: attributes and latent to the logits of an image.

    Args:
        resolution: side of the images, a multiple of 16.
        channels: of the images.
        attributes: k.
        latent_dim: n_z.
        width: channels before the last layer.
        label_entry: where y enters: beside z at the ``first`` layer, as in the paper, or as constant channels at
            ``every`` layer, as in Fader Networks.
        kind: of the layers, ``plain`` or ``residual``.
        first_norm: whether a batch norm follows the first layer, too; none does in the authors' code.

    Raises:
        ValueError: a size below 1 or that doesn't fit, or y at every layer of a decoder without attributes.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        attributes: int = 1,
        latent_dim: int = 100,
        width: int = 64,
        label_entry: LabelEntry = "first",
        kind: Kind = "plain",
        first_norm: bool = False,
    ) -> None:
        super().__init__()
        check_sizes(resolution, kind, attributes, channels=channels, latent_dim=latent_dim, width=width)
        if label_entry == "every" and not attributes:
            raise ValueError("label_entry=every: there are no attributes to enter (attributes=0)")
        self.start = (8 * width, resolution // 16, resolution // 16)
        self.label_entry = label_entry
        extra = [attributes] * DOUBLINGS if label_entry == "every" else []
        self.project = projection(attributes + latent_dim, self.start, first_norm)
        self.blocks = nn.ModuleList(doublings(kind, channels, width, extra))

    def forward(self, labels: Tensor, latent: Tensor) -> Tensor:
        """(y ``[B, k]``, z ``[B, n_z]``) to logits ``[B, C, H, W]``."""
        hidden = self.project(torch.cat([labels, latent], dim=1))
        for block in self.blocks:
            if self.label_entry == "every":
                hidden = beside(hidden, labels)
            hidden = block(hidden)
        decoded: Tensor = hidden
        return decoded


class Discriminator(nn.Module):
    """C: images to the logit of "real". It has no batch norm, so it judges every image by itself (``aif.edges``).

    Args:
        resolution: side of the images, a multiple of 16.
        channels: of the images.
        width: channels of the first convolution.
        attributes: k if it also reads y, as constant input channels (conditional GANs), else 0.
        leak: slope of the leaky ReLUs; DCGAN has 0.2, AIF's authors have plain ReLUs (0).
        kind: of the layers, ``plain`` or ``residual``.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        width: int = 64,
        attributes: int = 0,
        leak: float = 0.0,
        kind: Kind = "plain",
    ) -> None:
        super().__init__()
        check_sizes(resolution, kind, attributes, channels=channels, width=width)
        below_one(leak=leak)
        self.trunk = nn.Sequential(
            *trunk(kind, channels + attributes, width, batch_norm=False, leak=leak), nn.Flatten()
        )
        self.head = nn.Linear(8 * width * (resolution // 16) ** 2, 1)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``[B, C, H, W]`` (and y ``[B, k]``) to logits ``[B]``."""
        logits: Tensor = self.head(self.trunk(beside(images, labels)))
        return logits.squeeze(1)


class Regressor(nn.Module):
    """The encoder's trunk with a single linear head (the encoders of IcGAN, cVAE-GAN and the VAEs, and classifiers).

    Args:
        resolution: side of the images, a multiple of 16.
        outputs: width of the head.
        channels: of the images.
        width: channels of the first convolution.
        batch_norm: after each convolution.
        attributes: k if it also reads y, as constant input channels, else 0.
        kind: of the layers, ``plain`` or ``residual``.
    """

    def __init__(
        self,
        resolution: int,
        outputs: int,
        channels: int = 3,
        width: int = 64,
        batch_norm: bool = True,
        attributes: int = 0,
        kind: Kind = "plain",
    ) -> None:
        super().__init__()
        check_sizes(resolution, kind, attributes, channels=channels, outputs=outputs, width=width)
        self.trunk = nn.Sequential(*trunk(kind, channels + attributes, width, batch_norm), nn.Flatten())
        self.head = nn.Linear(8 * width * (resolution // 16) ** 2, outputs)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``[B, C, H, W]`` (and y ``[B, k]``) to ``[B, outputs]``."""
        values: Tensor = self.head(self.trunk(beside(images, labels)))
        return values


class Posterior(Regressor):
    """q(z|x), or q(z|x, y): a :class:`Regressor` of μ and log σ² (cVAE-GAN, the VAEs).

    Args:
        resolution: side of the images, a multiple of 16.
        latent_dim: n_z.
        channels: of the images.
        width: channels of the first convolution.
        batch_norm: after each convolution.
        attributes: k if it also reads y, as constant input channels, else 0.
        kind: of the layers, ``plain`` or ``residual``.
    """

    def __init__(
        self,
        resolution: int,
        latent_dim: int = 100,
        channels: int = 3,
        width: int = 64,
        batch_norm: bool = False,
        attributes: int = 0,
        kind: Kind = "plain",
    ) -> None:
        at_least_one(latent_dim=latent_dim)
        super().__init__(resolution, 2 * latent_dim, channels, width, batch_norm, attributes, kind)


class Auxiliary(nn.Sequential):
    """A: latent ``[B, n_z]`` to the logits of ỹ ``[B, k]``; n_z-1000-1000-k.

    Args:
        latent_dim: n_z.
        attributes: k.
        width: of both hidden layers.
    """

    def __init__(self, latent_dim: int = 100, attributes: int = 1, width: int = 1000) -> None:
        at_least_one(latent_dim=latent_dim, attributes=attributes, width=width)
        super().__init__(
            nn.Linear(latent_dim, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, attributes),
        )
