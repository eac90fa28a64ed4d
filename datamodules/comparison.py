"""The baseline of the loader benchmark: torchvision's ``CelebA`` in torch's ``DataLoader``, decoded in every epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from torchvision.datasets import CelebA
from torchvision.transforms import v2

LISTS = (
    *("list_attr_celeba.txt", "list_eval_partition.txt", "identity_CelebA.txt", "list_bbox_celeba.txt"),
    "list_landmarks_align_celeba.txt",
)


class _Unchecked(CelebA):
    """CelebA without the check that its tables are the original ones."""

    def _check_integrity(self) -> bool:
        return True


def torchvision_celeba(root: str | None, resolution: int, batch_size: int, workers: int) -> DataLoader[Any]:
    """Batches of central squares, resized, from a copy in torchvision's layout.

    Args:
        root: the directory that holds ``celeba/``.
        resolution: side in pixels.
        batch_size: of the loader.
        workers: processes of the loader.
    """
    if root is None:
        raise ValueError("data.root is not set: torchvision's CelebA reads from there; plain=null leaves it out")
    layout = Path(root).expanduser() / "celeba"
    if missing := next((name for name in ("img_align_celeba", *LISTS) if not (layout / name).exists()), None):
        raise ValueError(f"torchvision's CelebA wants {layout / missing}, which isn't there; plain=null leaves it out")
    transform = v2.Compose(
        [v2.PILToTensor(), v2.CenterCrop(178), v2.Resize(resolution), v2.ToDtype(torch.float32, scale=True)]
    )
    data = _Unchecked(str(layout.parent), split="train", transform=transform)
    return DataLoader(data, batch_size, shuffle=True, num_workers=workers, drop_last=True)
