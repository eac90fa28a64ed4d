"""The resident loader: the split lies in memory as uint8, and a batch is one gather."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

Batch = dict[str, Tensor]


class ResidentLoader:
    """Iterates over batches ``{image, attributes, index}`` of a split that lies in memory.

    The order of an epoch is a function of seed and epoch alone, so a resumed run sees what it would have seen. Ranks
    take every ``world_size``-th sample of that order: training drops the uneven tail, evaluation keeps every sample,
    once.

    Args:
        images: ``[N, C, H, W]`` uint8.
        attributes: ``[N, k]`` float in {0, 1}, NaN = unknown.
        batch_size: samples per batch and rank.
        shuffle: train (permuted, tail dropped) or evaluate (in order, complete).
        seed: of the order.
        epoch: asked at the start of every pass.
        rank: of this process.
        world_size: number of processes.

    Raises:
        ValueError: a training split smaller than one batch on every rank.
    """

    def __init__(
        self,
        images: Tensor,
        attributes: Tensor,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        epoch: Callable[[], int] = lambda: 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.images, self.attributes = images, attributes
        self.batch_size, self.shuffle = batch_size, shuffle
        self.seed, self.epoch = seed, epoch
        self.rank, self.world_size = rank, world_size
        if shuffle and len(images) < batch_size * world_size:
            raise ValueError(
                f"the training split has {len(images)} images, fewer than one batch of {batch_size} "
                f"on each of {world_size} processes: choose a smaller data.batch_size"
            )

    def __len__(self) -> int:
        if self.shuffle:
            return len(self.images) // self.world_size // self.batch_size
        longest = -(-len(self.images) // self.world_size)
        return -(-longest // self.batch_size)  # the same on every rank, or the ranks would wait for one another

    def __iter__(self) -> Iterator[Batch]:
        if self.shuffle:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch())
            order = torch.randperm(len(self.images), generator=generator)
            order = order[: len(order) // self.world_size * self.world_size]
        else:
            order = torch.arange(len(self.images))
        order = order[self.rank :: self.world_size]
        if self.shuffle:
            parts = torch.split(order[: len(self) * self.batch_size], self.batch_size)
        else:
            parts = order.tensor_split(len(self))
        for index in parts:
            yield {
                "image": self.images[index].float().div_(255),
                "attributes": self.attributes[index],
                "index": index,
            }
