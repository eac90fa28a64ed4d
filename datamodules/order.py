"""Which samples make up which batch.

The order and the flips of an epoch depend on the seed and the epoch alone. So a resumed run sees the same batches as an
uninterrupted one, also from the middle of an epoch. Each rank takes every ``world_size``-th sample of the order:
training drops the uneven tail, evaluation uses every sample once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Order:
    """The samples of each batch.

    Args:
        size: number of samples of the split.
        batch_size: samples per batch and rank.
        shuffle: True for training (permuted, tail dropped), False for evaluation (in order, complete).
        flip: whether each image of training is mirrored with probability ½; if None, where an epoch of ``images`` has
            every image at least twice.
        seed: of the order and the flips.
        epoch: returns the epoch; called at the start of every pass.
        rank: of this process.
        world_size: number of processes.
        steps: number of training batches that are loaded as one, for a method that takes several steps at a time.
        done: returns the number of batches to leave out, at the start of every pass: a run resumed within an epoch has
            trained on them.
        images: number of samples of a training epoch, over all ranks; ``size`` if None. Epoch e takes samples e n to
            (e + 1) n of an endless sequence of permutations, so that a split of any size makes epochs of n.
        classes: positions ``[n_c]`` of the samples of each class, of which a training batch holds equally many. Every
            class has an endless sequence of permutations of its own. None: the split as it is.

    Raises:
        ValueError: the training split is smaller than one batch on every rank.
    """

    size: int
    batch_size: int
    shuffle: bool = False
    flip: bool | None = False
    seed: int = 0
    epoch: Callable[[], int] = lambda: 0
    rank: int = 0
    world_size: int = 1
    steps: int = 1
    done: Callable[[], int] = lambda: 0
    images: int | None = None
    classes: tuple[Tensor, ...] | None = None

    def __post_init__(self) -> None:
        if self.size == 0:
            raise ValueError("the split is empty: no image belongs to it")
        if self.images is not None and self.images < self.batch_size * self.world_size:
            raise ValueError(
                f"data.images_per_epoch={self.images}: fewer than one batch of {self.batch_size} "
                f"on each of {self.world_size} processes"
            )
        if self.shuffle and self.size < self.batch_size * self.world_size:
            raise ValueError(
                f"the training split has {self.size} images, fewer than one batch of {self.batch_size} "
                f"on each of {self.world_size} processes: choose a smaller data.batch_size"
            )

    def __len__(self) -> int:
        if self.shuffle:
            return -(-self.samples // (self.batch_size * self.steps))
        longest = -(-self.size // self.world_size)
        return -(-longest // self.batch_size)  # equal on all ranks, which would otherwise wait for one another

    @property
    def samples(self) -> int:
        """Samples that each rank sees in a training pass, without the uneven tail."""
        return (self.images or self.size) // self.world_size // self.batch_size * self.batch_size

    @property
    def mirrors(self) -> bool:
        """Whether images are mirrored."""
        return (self.images or 0) >= 2 * self.size if self.flip is None else self.flip

    def batches(self, device: torch.device | None = None) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Positions ``[B]`` and flips (``[B]`` boolean, or None) of each batch, moved to a device once per pass."""
        evaluated = torch.arange(self.rank, self.size, self.world_size)
        order, flipped = self._training() if self.shuffle else (evaluated, None)
        if device is not None:
            order, flipped = order.to(device), None if flipped is None else flipped.to(device)
        for start, stop in itertools.islice(self._bounds(len(order)), self.done(), None):
            yield order[start:stop], None if flipped is None else flipped[start:stop]

    def _training(self) -> tuple[Tensor, Tensor | None]:
        """Positions of this rank's samples of an epoch, and their flips; None if no image is mirrored."""
        epoch, count = self.epoch(), self.images or self.size
        order, flips = self._balanced(epoch) if self.classes else self._drawn(epoch, count, self.size)
        even = len(order) // self.world_size * self.world_size
        order, flips = (column[self.rank : even : self.world_size][: self.samples] for column in (order, flips))
        if self.classes:
            mixed = self._mixed(epoch)
            order, flips = order[mixed], flips[mixed]
        return order, flips if self.mirrors else None

    def _balanced(self, epoch: int) -> tuple[Tensor, Tensor]:
        """An epoch's samples on all ranks, of one class after the other, and whether each is mirrored."""
        assert self.classes is not None
        cells = torch.arange(self.samples * self.world_size)
        # The classes alternate along each rank's batch and over the ranks, so that both a rank's share of a batch and
        # the whole batch are balanced. A batch holds the same samples however many ranks share it.
        classes = (cells // self.world_size + cells % self.world_size) % len(self.classes)
        order, flips = torch.empty_like(cells), torch.empty_like(cells, dtype=torch.bool)
        for number, positions in enumerate(self.classes):
            chosen = classes == number
            drawn, flips[chosen] = self._drawn(epoch, int(chosen.sum()), len(positions), number)
            order[chosen] = positions[drawn]
        return order, flips

    def _mixed(self, epoch: int) -> Tensor:
        """A rank's samples ``[samples]`` in another order within each batch, where a method may pair neighbours."""
        assert self.classes is not None
        keys = torch.rand(self.samples, generator=self._generator(epoch, len(self.classes))).view(-1, self.batch_size)
        return (keys.argsort(1) + torch.arange(len(keys))[:, None] * self.batch_size).flatten()

    def _drawn(self, epoch: int, count: int, size: int, stream: int = 0) -> tuple[Tensor, Tensor]:
        """Positions of an epoch's ``count`` samples of a class of ``size``, and whether each is mirrored."""
        first, last = epoch * count // size, -(-(epoch + 1) * count // size)
        orders, flips = zip(*(self._permutation(number, size, stream) for number in range(first, last)), strict=True)
        chosen = slice(epoch * count - first * size, (epoch + 1) * count - first * size)
        return torch.cat(orders)[chosen], torch.cat(flips)[chosen]

    def _permutation(self, number: int, size: int, stream: int) -> tuple[Tensor, Tensor]:
        """A class's positions in the order of the pass ``number`` over it, and whether each is mirrored."""
        generator = self._generator(number, stream)
        order = torch.randperm(size, generator=generator)
        return order, (torch.rand(size, generator=generator) < 0.5)[order]

    def _generator(self, number: int, stream: int) -> torch.Generator:
        """The source of a pass's randomness; a class has a stream of its own, and so has the order within batches."""
        streams = len(self.classes) + 1 if self.classes else 1
        return torch.Generator().manual_seed(self.seed * 1_000_003 + number * streams + stream)

    def _bounds(self, size: int) -> Iterator[tuple[int, int]]:
        """Start and end of each batch: full ones in training; in evaluation equally many on every rank, nearly even."""
        count = len(self)
        if self.shuffle:
            cuts = [*range(0, size, self.batch_size * self.steps), size]
        else:
            cuts = [-(-i * size // count) for i in range(count + 1)]
        yield from itertools.pairwise(cuts)
