"""What the loaders are compared with: torchvision's ``CelebA`` in torch's ``DataLoader``, which decodes in every epoch."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.data import DataLoader
from torchvision.datasets import CelebA
from torchvision.transforms import v2


class _Unchecked(CelebA):
    """A copy whose tables need not be the original ones."""

    def _check_integrity(self) -> bool:
        return True


def torchvision_celeba(root: str, resolution: int, batch_size: int, workers: int) -> DataLoader[Any]:
    """The usual way: central square, resized, in torchvision's layout below ``root``.

    Args:
        root: the directory that holds ``celeba/``.
        resolution: side in pixels.
        batch_size: of the loader.
        workers: its processes.
    """
    transform = v2.Compose(
        [v2.PILToTensor(), v2.CenterCrop(178), v2.Resize(resolution), v2.ToDtype(torch.float32, scale=True)]
    )
    data = _Unchecked(root, split="train", transform=transform)
    return DataLoader(data, batch_size, shuffle=True, num_workers=workers, drop_last=True)
