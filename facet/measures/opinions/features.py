"""How far reconstructions and edits are from test images in the features of MobileNetV2, trained on ImageNet."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchmetrics.image.kid import KernelInceptionDistance

from facet.measures.intervals import Mean

SIDE = 224
"""Pixels; the images of its training had this size."""
PIECE = 32  # images per forward pass on a CPU
IMAGES = 2000
"""At most so many images of a split are compared: the first. Each costs 0.6 GFLOP."""
HALVES = 50
"""Random halves on which the interval of a kernel distance rests."""
Z = 1.96


class FeatureNetwork(nn.Module):
    """MobileNetV2 (Sandler et al. 2018, CVPR) without its classifier, with torchvision's weights of ImageNet.

    Images ``[B, C, H, W]`` in [0, 1], C = 1 or 3, to the mean over positions of the last feature maps, ``[B, 1280]``:
    what the network's own classifier sees.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

        self.layers = mobilenet_v2().features
        preset = MobileNet_V2_Weights.IMAGENET1K_V1.transforms()
        self.register_buffer("mean", torch.tensor(preset.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(preset.std).view(1, 3, 1, 1), persistent=False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        pieces = torch.split(images, PIECE) if images.device.type == "cpu" else [images]
        return torch.cat([self._pooled(piece) for piece in pieces])

    def _pooled(self, images: Tensor) -> Tensor:
        images = F.interpolate(images.expand(-1, 3, -1, -1), (SIDE, SIDE), mode="bilinear", antialias=True)
        images = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        features: Tensor = self.layers(images).mean((2, 3))
        return features


def feature_network(path: Path) -> FeatureNetwork:
    """The network with the weights of torchvision's file, in evaluation mode, frozen; three times as fast as built."""
    with torch.random.fork_rng(devices=[]):  # its layers are initialised at random before they are read
        network = FeatureNetwork()
    state = torch.load(path, map_location="cpu", weights_only=True)
    prefix = "features."
    network.layers.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    network.eval().requires_grad_(False)
    network.layers = _fused(network.layers)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _fused(module: nn.Module) -> nn.Module:
    """A copy for evaluation only, with the batch norms folded into the convolutions before them."""
    module = copy.deepcopy(module)
    for layers in [part for part in module.modules() if isinstance(part, nn.Sequential)]:
        for i in range(1, len(layers)):
            convolution, norm = layers[i - 1], layers[i]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                layers[i - 1], layers[i] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
    return module


class Kernel(NamedTuple):
    """A kernel distance with its 95% confidence interval, and the number of images of the smaller set."""

    value: float
    low: float
    high: float
    n: int

    def as_dict(self) -> dict[str, float]:
        """As plain numbers, for JSON; without a value there is no interval."""
        return {"value": self.value, "n": self.n} if math.isnan(self.value) else self._asdict()


class Features:
    """Compares what a model makes of images with these images, one by one and as a set.

    ``distance``
        mean of 1 - cosine of the features of an image and of what was made from it, 0 to 1 (Zhang et al. 2018,
        "The unreasonable effectiveness of deep features as a perceptual metric").
    ``kid``
        squared maximum mean discrepancy of the two sets with the kernel (x·y / F + 1)³, without bias (Bińkowski et al.
        2018, "Demystifying MMD GANs", §4). Every second image of the split is the
        reference, and the others are what edits and reconstructions are made from, because the estimate takes both
        sets to be independent. Features are not Inception's, so values compare with one another only.

    Edits are those that invert the attribute, of images whose label is known.

    Args:
        network: images to features ``[B, F]``.
        names: the edited attributes.
    """

    def __init__(self, network: Callable[[Tensor], Tensor], names: Sequence[str]) -> None:
        self.network, self.names = network, tuple(names)
        self.reference: list[Tensor] = []
        self.inputs: list[Tensor] = []
        self.made: list[list[Tensor]] = [[] for _ in range(len(names) + 1)]  # the last is the reconstruction
        self.distances: list[list[Tensor]] = [[] for _ in self.made]

    def add(self, images: Tensor, labels: Tensor, reconstruction: Tensor, start: int) -> None:
        """Take the unedited images of a batch and its reconstructions; ``start`` is its position in the split."""
        position = torch.arange(start, start + len(images), device=images.device)
        self.sources = (position % 2 == 1) & (position < IMAGES)
        self.labels = labels[self.sources]
        self.reference.append(self._of(images[(position % 2 == 0) & (position < IMAGES)]))
        self.inputs.append(self._of(images[self.sources]))
        self._compare(-1, reconstruction[self.sources], torch.ones_like(self.sources[self.sources]))

    def add_edits(self, column: int, off: Tensor, on: Tensor) -> None:
        """Take the edits of one attribute of the batch that was added last."""
        label = self.labels[:, column]
        inverted = torch.where((label == 1).view(-1, 1, 1, 1), off[self.sources], on[self.sources])
        self._compare(column, inverted, ~label.isnan())

    def compute(self, seed: int = 0) -> dict[str, Any]:
        """``features``, by attribute, ``features_of_reconstruction`` and ``features_of_others``, of pairs of images."""
        reference, inputs = torch.cat(self.reference), torch.cat(self.inputs)
        scores = [
            {"distance": _mean(torch.cat(distances)), "kid": kernel_distance(reference, torch.cat(made), seed)}
            for distances, made in zip(self.distances, self.made, strict=True)
        ]
        pairs = min(len(reference), len(inputs))
        return {
            "features": dict(zip(self.names, scores, strict=False)),
            "features_of_reconstruction": scores[-1],
            "features_of_others": {"distance": _mean(_distance(reference[:pairs], inputs[:pairs]))},
        }

    def _compare(self, kind: int, made: Tensor, counted: Tensor) -> None:
        features = self._of(made[counted])
        self.made[kind].append(features)
        self.distances[kind].append(_distance(self.inputs[-1][counted.cpu()], features))

    def _of(self, images: Tensor) -> Tensor:
        """Features in float64 on the CPU, since differences of nearly equal sums are taken of them."""
        return self.network(images).double().cpu() if len(images) else torch.empty(0, dtype=torch.float64)


def _distance(one: Tensor, other: Tensor) -> Tensor:
    return 1 - F.cosine_similarity(one, other, dim=1) if len(one) else torch.empty(0, dtype=torch.float64)


def _mean(values: Tensor) -> Mean:
    return Mean(float(values.mean()) if len(values) else math.nan, len(values))


def kernel_distance(real: Tensor, made: Tensor, seed: int = 0) -> Kernel:
    """The kernel distance of two independent sets of features, ``[N, F]`` and ``[M, F]``; NaN for fewer than four.

    Where one set is larger, as many are drawn from it as the other has. The value is of all of these. The interval is a
    delete-half jackknife: the deviation over random halves of both sets is the standard error of the whole (Shao and Wu
    1989, "A general theory for jackknife variance estimation").

    Args:
        real: of test images.
        made: of other images.
        seed: of what is drawn.
    """
    fewer = min(len(real), len(made))
    if fewer < 4 or not made.isfinite().all():
        return Kernel(math.nan, math.nan, math.nan, fewer)
    with torch.random.fork_rng(devices=[]):  # what comes after must not depend on it
        torch.manual_seed(seed)
        value, _ = _kid(real, made, 1, fewer)
        _, error = _kid(real, made, HALVES, fewer // 2)
    return Kernel(value, value - Z * error, value + Z * error, fewer)


def _kid(real: Tensor, made: Tensor, subsets: int, size: int) -> tuple[float, float]:
    """Mean and standard deviation over random subsets."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Metric `Kernel Inception Distance` will save all")  # of at most IMAGES
        metric = KernelInceptionDistance(nn.Identity(), subsets=subsets, subset_size=size)
    metric.update(real, real=True)
    metric.update(made, real=False)
    value, deviation = metric.compute()
    return float(value), float(deviation)
