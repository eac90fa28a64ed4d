"""DCGAN-like networks as the authors ran them (``docs/fidelity.md``, AIF 10), for any side divisible by 16.

Four 5×5 convolutions of stride 2 down, four 3×3 transposed ones up, channel counts ``width`` · (1, 2, 4, 8). Networks
return logits; whoever needs probabilities or pixels applies the sigmoid.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

LabelEntry = Literal["first", "every"]


def check_resolution(resolution: int) -> None:
    """Raise ``ValueError`` unless four halvings of the side come out even."""
    if resolution < 16 or resolution % 16:
        raise ValueError(
            f"resolution={resolution} does not work with four stride-2 layers: choose a multiple of 16, "
            f"for example {max(16, round(resolution / 16) * 16)}"
        )


def _convolutions(channels: int, width: int, batch_norm: bool, leak: float = 0.0) -> nn.Sequential:
    layers: list[nn.Module] = []
    for out in (width, 2 * width, 4 * width, 8 * width):
        layers.append(nn.Conv2d(channels, out, 5, stride=2, padding=2, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm2d(out))
        layers.append(nn.LeakyReLU(leak) if leak else nn.ReLU())
        channels = out
    return nn.Sequential(*layers, nn.Flatten())


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
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        attributes: int = 1,
        latent_dim: int = 100,
        width: int = 64,
        batch_norm: bool = False,
        detach_label_head: bool = True,
    ) -> None:
        super().__init__()
        check_resolution(resolution)
        self.detach_label_head = detach_label_head
        self.trunk = _convolutions(channels, width, batch_norm)
        features = 8 * width * (resolution // 16) ** 2
        self.mean = nn.Linear(features, latent_dim)
        self.log_variance = nn.Linear(features, latent_dim)
        self.label = nn.Linear(features, attributes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images ``[B, C, H, W]`` in [0, 1] to (μ ``[B, n_z]``, log σ² ``[B, n_z]``, logits of ŷ ``[B, k]``)."""
        features = self.trunk(images)
        label_features = features.detach() if self.detach_label_head else features
        return self.mean(features), self.log_variance(features), self.label(label_features)


class Decoder(nn.Module):
    """D: attributes and latent to the logits of an image.

    Args:
        resolution: side of the images, a multiple of 16.
        channels: of the images.
        attributes: k.
        latent_dim: n_z.
        width: channels before the last layer.
        label_entry: where y enters: beside z at the ``first`` layer (the paper), or as constant channels at ``every``
            layer (as Fader Networks do).
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        attributes: int = 1,
        latent_dim: int = 100,
        width: int = 64,
        label_entry: LabelEntry = "first",
    ) -> None:
        super().__init__()
        check_resolution(resolution)
        self.start = (8 * width, resolution // 16, resolution // 16)
        self.label_entry = label_entry
        extra = attributes if label_entry == "every" else 0
        self.project = nn.Sequential(
            nn.Linear(attributes + latent_dim, 8 * width * (resolution // 16) ** 2),
            nn.Unflatten(1, self.start),
            nn.BatchNorm2d(8 * width),
            nn.ReLU(),
        )
        widths = (8 * width, 4 * width, 2 * width, width)
        blocks = [
            nn.Sequential(
                nn.ConvTranspose2d(i + extra, o, 3, stride=2, padding=1, output_padding=1, bias=False),
                nn.BatchNorm2d(o),
                nn.ReLU(),
            )
            for i, o in itertools.pairwise(widths)
        ]
        last = nn.ConvTranspose2d(width + extra, channels, 3, stride=2, padding=1, output_padding=1)
        self.blocks = nn.ModuleList([*blocks, last])

    def forward(self, labels: Tensor, latent: Tensor) -> Tensor:
        """(y ``[B, k]``, z ``[B, n_z]``) to logits ``[B, C, H, W]``."""
        hidden = self.project(torch.cat([labels, latent], dim=1))
        for block in self.blocks:
            if self.label_entry == "every":
                planes = labels[:, :, None, None].expand(-1, -1, *hidden.shape[2:])
                hidden = torch.cat([hidden, planes.to(hidden.dtype)], dim=1)
            hidden = block(hidden)
        decoded: Tensor = hidden
        return decoded


class Discriminator(nn.Module):
    """C: images to the logit of "real". No batch norm, so that it judges every image by itself (``aif.edges``).

    Args:
        resolution: side of the images, a multiple of 16.
        channels: of the images.
        width: channels of the first convolution.
        attributes: k if it also reads y, as constant input channels (conditional GANs), else 0.
        leak: slope of the leaky ReLUs, DCGAN's 0.2; AIF's authors have plain ones (0).
    """

    def __init__(
        self, resolution: int, channels: int = 3, width: int = 64, attributes: int = 0, leak: float = 0.0
    ) -> None:
        super().__init__()
        check_resolution(resolution)
        self.trunk = _convolutions(channels + attributes, width, batch_norm=False, leak=leak)
        self.head = nn.Linear(8 * width * (resolution // 16) ** 2, 1)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``[B, C, H, W]`` (and y ``[B, k]``) to logits ``[B]``."""
        if labels is not None:
            planes = labels[:, :, None, None].expand(-1, -1, *images.shape[2:])
            images = torch.cat([images, planes.to(images.dtype)], dim=1)
        logits: Tensor = self.head(self.trunk(images))
        return logits.squeeze(1)


class Regressor(nn.Sequential):
    """The encoder's trunk with a single linear head: images ``[B, C, H, W]`` to ``[B, outputs]`` (IcGAN's encoders).

    Args:
        resolution: side of the images, a multiple of 16.
        outputs: width of the head.
        channels: of the images.
        width: channels of the first convolution.
        batch_norm: after each convolution.
    """

    def __init__(
        self, resolution: int, outputs: int, channels: int = 3, width: int = 64, batch_norm: bool = False
    ) -> None:
        check_resolution(resolution)
        features = 8 * width * (resolution // 16) ** 2
        super().__init__(*_convolutions(channels, width, batch_norm), nn.Linear(features, outputs))


class Auxiliary(nn.Sequential):
    """A: latent ``[B, n_z]`` to the logits of ỹ ``[B, k]``; n_z-1000-1000-k.

    Args:
        latent_dim: n_z.
        attributes: k.
        width: of both hidden layers.
    """

    def __init__(self, latent_dim: int = 100, attributes: int = 1, width: int = 1000) -> None:
        super().__init__(
            nn.Linear(latent_dim, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, attributes),
        )


@contextmanager
def untracked_statistics(network: nn.Module) -> Iterator[None]:
    """Within it, batch norms use the batch's statistics and leave their running ones alone."""
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    tracked = [norm.track_running_stats for norm in norms]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm, was in zip(norms, tracked, strict=True):
            norm.track_running_stats = was


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Graphs made within it carry gradients through the network but none into its parameters."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def full_precision(values: Tensor) -> Tensor:
    """At least float32: networks may run in bf16, losses and the sampling of z do not."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
