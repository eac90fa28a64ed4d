"""The networks of Fader Networks (Lample et al. 2017): AIF's layers, with y beside every layer of the decoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from aif.checks import check_sizes
from aif.networks import DOUBLINGS, Kind, beside, doublings, trunk
from nets.checks import below_one


class FaderEncoder(nn.Module):
    """Images to a deterministic latent ``[B, c (r/16)²]``: a flattened map with c channels.

    Args:
        resolution: r, side of the images, a multiple of 16.
        channels: of the images.
        width: channels of the first convolution.
        kind: of the layers.
        latent_channels: c, made by a 1×1 convolution after the last layer; None leaves that layer's 8 ``width``.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        width: int = 64,
        kind: Kind = "plain",
        latent_channels: int | None = None,
    ) -> None:
        super().__init__()
        check_sizes(resolution, kind, channels=channels, width=width, latent_channels=latent_channels)
        narrowing = [_pointwise(8 * width, latent_channels)] if latent_channels else []
        layers = trunk(kind, channels, width, batch_norm=True, leak=0.2)
        self.trunk = nn.Sequential(*layers, *narrowing, nn.Flatten())

    def forward(self, images: Tensor) -> Tensor:
        """``[B, C, H, W]`` in [0, 1] to ``[B, c (r/16)²]``."""
        latent: Tensor = self.trunk(images)
        return latent


class FaderDecoder(nn.Module):
    """(y, latent) to logits of an image; y and 1 - y are constant channels beside every layer's input.

    Args:
        resolution: r, side of the images, a multiple of 16.
        channels: of the images.
        attributes: k.
        width: channels before the last layer.
        kind: of the layers.
        latent_channels: c of the encoder.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        attributes: int = 1,
        width: int = 64,
        kind: Kind = "plain",
        latent_channels: int | None = None,
    ) -> None:
        super().__init__()
        check_sizes(resolution, kind, attributes, channels=channels, width=width, latent_channels=latent_channels)
        extra = 2 * attributes
        self.start = (latent_channels or 8 * width, resolution // 16, resolution // 16)
        widening = [_pointwise(latent_channels + extra, 8 * width)] if latent_channels else []
        self.blocks = nn.ModuleList([*widening, *doublings(kind, channels, width, [extra] * DOUBLINGS)])

    def forward(self, labels: Tensor, latent: Tensor) -> Tensor:
        """(y ``[B, k]``, ``[B, c (r/16)²]``) to logits ``[B, C, H, W]``."""
        hidden: Tensor = latent.view(-1, *self.start)
        one_hot = torch.cat([labels, 1 - labels], dim=1)
        for block in self.blocks:
            hidden = block(beside(hidden, one_hot))
        return hidden


class LatentDiscriminator(nn.Sequential):
    """The flattened latent to logits of y ``[B, k]``: convolutions down to 1×1, then two linear layers.

    Args:
        resolution: of the images.
        attributes: k.
        latent_width: the encoder's width.
        width: channels of the convolutions, and of the hidden layer.
        dropout: after each convolution.
        latent_channels: c of the encoder.
        flat: one more hidden layer in place of the convolutions, with dropout after both (not in the paper).
    """

    def __init__(
        self,
        resolution: int,
        attributes: int = 1,
        latent_width: int = 64,
        width: int = 512,
        dropout: float = 0.3,
        latent_channels: int | None = None,
        flat: bool = False,
    ) -> None:
        channels, side = latent_channels or 8 * latent_width, resolution // 16
        check_sizes(
            resolution, attributes=attributes, width=width, latent_width=latent_width, latent_channels=latent_channels
        )
        below_one(dropout=dropout)
        layers: list[nn.Module] = []
        if flat:
            for size in (channels * side**2, width):
                layers += [nn.Linear(size, width), nn.LeakyReLU(0.2), nn.Dropout(dropout)]
        else:
            layers.append(nn.Unflatten(1, (channels, side, side)))
            while side > 1:
                layers += [nn.Conv2d(channels, width, 4, 2, 1), nn.BatchNorm2d(width)]
                layers += [nn.LeakyReLU(0.2), nn.Dropout(dropout)]
                channels, side = width, side // 2
            layers += [nn.Flatten(), nn.Linear(channels, width), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Linear(width, attributes))


def _pointwise(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2))
