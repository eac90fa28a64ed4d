"""Networks whose latent has three levels: a vector, and two maps that enter the decoder where it has their side.

A plain VAE sends a whole picture through one vector, and blurs what doesn't fit. Hierarchical VAEs (Sønderby et al.
2016, "Ladder variational autoencoders"; Child 2021, "Very deep VAEs") give local detail latents of its own. Here every
level has the prior N(0, I) and is flattened into one code ẑ, so L_KL, L_aux, erasure and probes see all of it, and
Algorithm 1 stays as it is. Not in the paper.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from aif.checks import check_sizes
from aif.networks import Kind, doublings, projection, trunk


class HierarchicalEncoder(nn.Module):
    """E: images to the parameters of q(z|x), all levels in one vector, and the logits of ŷ.

    Args:
        resolution: side r of the images, a multiple of 16.
        channels: of the images.
        attributes: k, how many ŷ are predicted.
        latent_dim: n_z of all levels together; what the maps leave is the vector's.
        maps: channels of the latent maps of side r/8 and r/4.
        width: channels of the first convolution.
        batch_norm: after each convolution.
        detach_label_head: as of :class:`aif.networks.Encoder`.
        kind: of the layers, ``plain`` or ``residual``.
        max_log_variance: largest log σ²; None sets no limit.

    Raises:
        ValueError: a size below 1 or that doesn't fit, or an n_z that leaves nothing for the vector.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        attributes: int = 1,
        latent_dim: int = 832,
        maps: Sequence[int] = (4, 2),
        width: int = 64,
        batch_norm: bool = False,
        detach_label_head: bool = False,
        kind: Kind = "plain",
        max_log_variance: float | None = None,
    ) -> None:
        super().__init__()
        check_sizes(resolution, kind, attributes, channels=channels, latent_dim=latent_dim, width=width)
        vector = latent_dim - sum(_sizes(resolution, latent_dim, maps))
        self.detach_label_head, self.max_log_variance = detach_label_head, max_log_variance
        layers = list(trunk(kind, channels, width, batch_norm))
        each = len(layers) // 4  # the residual trunk has a layer more, at its beginning
        first = len(layers) - 3 * each
        ends = [first, first + each, first + 2 * each, first + 3 * each]
        self.halvings = nn.ModuleList(nn.Sequential(*layers[a:b]) for a, b in itertools.pairwise([0, *ends]))
        self.maps = nn.ModuleList(nn.Conv2d(w * width, 2 * c, 1) for w, c in zip((4, 2), maps, strict=True))
        features = 8 * width * (resolution // 16) ** 2
        self.vector = nn.Linear(features, 2 * vector)
        self.label = nn.Linear(features, attributes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images ``[B, C, r, r]`` in [0, 1] to (μ ``[B, n_z]``, log σ² ``[B, n_z]``, logits of ŷ ``[B, k]``)."""
        hidden, found = images, []
        for halving in self.halvings:
            hidden = halving(hidden)
            found.append(hidden)
        features = hidden.flatten(1)
        levels = [self.vector(features), *(to(at) for to, at in zip(self.maps, (found[2], found[1]), strict=True))]
        halves = [level.chunk(2, dim=1) for level in levels]
        mean, log_variance = (torch.cat([half[i].flatten(1) for half in halves], dim=1) for i in (0, 1))
        if self.max_log_variance is not None:
            log_variance = log_variance.clamp(max=self.max_log_variance)
        return mean, log_variance, self.label(features.detach() if self.detach_label_head else features)


class HierarchicalDecoder(nn.Module):
    """D: attributes and the latents of all levels to the logits of an image.

    Args:
        resolution: side r of the images, a multiple of 16.
        channels: of the images.
        attributes: k.
        latent_dim: n_z of all levels together.
        maps: channels of the latent maps of side r/8 and r/4.
        width: channels before the last layer.
        kind: of the layers, ``plain`` or ``residual``.
        first_norm: whether a batch norm follows the first layer, too.

    Raises:
        ValueError: a size below 1 or that doesn't fit, or an n_z that leaves nothing for the vector.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        attributes: int = 1,
        latent_dim: int = 832,
        maps: Sequence[int] = (4, 2),
        width: int = 64,
        kind: Kind = "plain",
        first_norm: bool = False,
    ) -> None:
        super().__init__()
        check_sizes(resolution, kind, attributes, channels=channels, latent_dim=latent_dim, width=width)
        sizes = _sizes(resolution, latent_dim, maps)
        self.sizes = [latent_dim - sum(sizes), *sizes]
        self.sides = (resolution // 8, resolution // 4)
        start = (8 * width, resolution // 16, resolution // 16)
        self.project = projection(attributes + self.sizes[0], start, first_norm)
        self.blocks = nn.ModuleList(doublings(kind, channels, width, (0, *maps)))

    def forward(self, labels: Tensor, latent: Tensor) -> Tensor:
        """(y ``[B, k]``, z ``[B, n_z]``) to logits ``[B, C, r, r]``."""
        vector, *flat = torch.split(latent, self.sizes, dim=1)
        maps = [level.view(len(level), -1, side, side) for level, side in zip(flat, self.sides, strict=True)]
        hidden = self.blocks[0](self.project(torch.cat([labels, vector], dim=1)))
        for block, level in zip(self.blocks[1:3], maps, strict=True):
            hidden = block(torch.cat([hidden, level.to(hidden.dtype)], dim=1))
        for block in self.blocks[3:]:
            hidden = block(hidden)
        decoded: Tensor = hidden
        return decoded


def _sizes(resolution: int, latent_dim: int, maps: Sequence[int]) -> list[int]:
    """Numbers in the latent maps of side r/8 and r/4.

    Raises:
        ValueError: not two maps, a map without channels, or nothing is left for the vector.
    """
    if len(maps) != 2 or min(maps) < 1:
        raise ValueError(f"maps={list(maps)}: say how many channels the two maps have, for example [4, 2]")
    sizes = [count * (resolution // part) ** 2 for count, part in zip(maps, (8, 4), strict=True)]
    if latent_dim <= sum(sizes):
        raise ValueError(f"latent_dim={latent_dim}: maps={list(maps)} alone hold {sum(sizes)} at {resolution} pixels")
    return sizes
