"""Residual blocks that halve or double a side (He et al. 2016, "Deep residual learning for image recognition", Fig. 2).

The networks of AIF's Tables 2 and 3 were not published; ``docs/fidelity.md``, "Residual networks", explains these.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Down(nn.Module):
    """A basic block of stride 2: two 3×3 convolutions beside a 1×1 shortcut.

    Args:
        channels: in.
        out: channels out.
        batch_norm: whether one follows each convolution, as in He et al.; networks that may not mix a batch have none.
        leak: slope of the leaky ReLUs, 0 for plain ones.
    """

    def __init__(self, channels: int, out: int, batch_norm: bool, leak: float = 0.0) -> None:
        super().__init__()
        self.leak = leak
        self.first = _convolution(channels, out, 3, batch_norm, stride=2)
        self.second = _convolution(out, out, 3, batch_norm)
        self.shortcut = _convolution(channels, out, 1, batch_norm)

    def forward(self, values: Tensor) -> Tensor:
        """``[B, in, H, W]`` to ``[B, out, H/2, W/2]``."""
        inner = self.second(F.leaky_relu(self.first(values), self.leak))
        # The slice takes the place of a stride of the convolution: with few channels, in float32 on a CPU, oneDNN
        # writes the gradient of the strided convolution past its memory (uxlfoundation/oneDNN#6035).
        beside = self.shortcut(values[:, :, ::2, ::2])
        return F.leaky_relu(inner + beside, self.leak)


class Up(nn.Module):
    """The reverse: the second convolution is transposed and has stride 2, and the shortcut repeats values.

    Args:
        channels: in.
        out: channels out.
    """

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.first = _convolution(channels, out, 3, batch_norm=True)
        self.second = nn.Sequential(
            nn.ConvTranspose2d(out, out, 3, stride=2, padding=1, output_padding=1, bias=False), nn.BatchNorm2d(out)
        )
        self.shortcut = _convolution(channels, out, 1, batch_norm=True)

    def forward(self, values: Tensor) -> Tensor:
        """``[B, in, H, W]`` to ``[B, out, 2H, 2W]``."""
        # A 1×1 convolution and its batch norm give the same result before the doubling, at a quarter of the work.
        beside = F.interpolate(self.shortcut(values), scale_factor=2.0)
        inner = self.second(F.relu(self.first(values)))
        return F.relu(inner + beside)


def _convolution(channels: int, out: int, size: int, batch_norm: bool, stride: int = 1) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(channels, out, size, stride, size // 2, bias=not batch_norm)]
    return nn.Sequential(*layers, nn.BatchNorm2d(out)) if batch_norm else nn.Sequential(*layers)
