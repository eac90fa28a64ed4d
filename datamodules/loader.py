"""Batches from a split that is stored as uint8. Its residency changes the speed of loading, not the batches:

- ``device``: the whole split is on the training device; a batch is one gather there.
- ``mmap``: the split stays memory-mapped; the next batch is gathered on the host in advance, and moved.
- ``workers``: torch's ``DataLoader`` with worker processes, for comparison.
- ``auto``: ``device`` on a GPU with room for the split, otherwise ``mmap``.

The order and the flips of an epoch depend on the seed and the epoch alone. So every residency gives the same batches,
and a resumed run sees the same batches as an uninterrupted one, also from the middle of an epoch. Each rank takes
every ``world_size``-th sample of the order: training drops the uneven tail, evaluation uses every sample once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from datamodules.residency import Residency

Batch = dict[str, Tensor]
Columns = Mapping[str, Tensor]
ROOM = 0.6  # share of a GPU's free memory that the data may take


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
        order, flipped = self._training() if self.shuffle else (torch.arange(self.size), None)
        even = len(order) // self.world_size * self.world_size
        ours = slice(self.rank, even if self.shuffle else None, self.world_size)
        order = order[ours][: self.samples if self.shuffle else None]
        flipped = None if flipped is None else flipped[ours][: self.samples]
        if device is not None:
            order, flipped = order.to(device), None if flipped is None else flipped.to(device)
        for start, stop in itertools.islice(self._bounds(len(order)), self.done(), None):
            yield order[start:stop], None if flipped is None else flipped[start:stop]

    def _training(self) -> tuple[Tensor, Tensor | None]:
        """Positions of an epoch's samples on all ranks, and their flips."""
        count, epoch = self.images or self.size, self.epoch()
        first, last = epoch * count // self.size, -(-(epoch + 1) * count // self.size)
        orders, flips = zip(*map(self._permutation, range(first, last)), strict=True)
        chosen = slice(epoch * count - first * self.size, (epoch + 1) * count - first * self.size)
        return torch.cat(orders)[chosen], torch.cat(flips)[chosen] if self.mirrors else None

    def _permutation(self, number: int) -> tuple[Tensor, Tensor]:
        """The split's positions in the order of its pass ``number``, and whether each is mirrored."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        order = torch.randperm(self.size, generator=generator)
        return order, (torch.rand(self.size, generator=generator) < 0.5)[order]

    def _bounds(self, size: int) -> Iterator[tuple[int, int]]:
        """Start and end of each batch: full ones in training; in evaluation equally many on every rank, nearly even."""
        count = len(self)
        if self.shuffle:
            cuts = [*range(0, size, self.batch_size * self.steps), size]
        else:
            cuts = [-(-i * size // count) for i in range(count + 1)]
        yield from itertools.pairwise(cuts)


class ResidentLoader:
    """Holds the whole split on one device; a batch is one gather.

    Args:
        images: ``[N, C, H, W]`` uint8.
        columns: the other columns of a batch, each ``[N, ...]``: attributes, labels.
        order: of the batches.
        device: of the split and of the batches.
    """

    def __init__(self, images: Tensor, columns: Columns, order: Order, device: torch.device) -> None:
        self.images = images.to(device, copy=True)  # copied on the CPU too, where it may be a memory-mapped file
        self.columns, self.order = {name: column.to(device) for name, column in columns.items()}, order

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[Batch]:
        for index, flips in self.order.batches(self.images.device):
            chosen = {name: column[index] for name, column in self.columns.items()}
            yield _batch(self.images.index_select(0, index), chosen, index, flips)


class MappedLoader:
    """Leaves the split memory-mapped on the host, and gathers the next batch while this one is used.

    Args: as :class:`ResidentLoader`.
    """

    def __init__(self, images: Tensor, columns: Columns, order: Order, device: torch.device) -> None:
        self.images, self.columns, self.order, self.device = images, dict(columns), order, device

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[Batch]:
        if self.device.type == "cpu":  # another thread would only take a core from the step
            for index, flips in self.order.batches():
                yield _batch(*self._gathered(index), index, flips)
            return
        with ThreadPoolExecutor(1) as executor:
            current = None
            for index, flips in self.order.batches():
                following = executor.submit(self._gathered, index, True), index, flips
                if current is not None:
                    yield self._moved(*current)
                current = following
            if current is not None:
                yield self._moved(*current)

    def _gathered(self, index: Tensor, pin: bool = False) -> tuple[Tensor, dict[str, Tensor]]:
        chosen = {name: column[index] for name, column in self.columns.items()}
        if pin:  # so that the copy to the device is asynchronous
            chosen = {name: value.pin_memory() for name, value in chosen.items()}
            return self.images.index_select(0, index).pin_memory(), chosen
        return self.images.index_select(0, index), chosen

    def _moved(self, gathered: Future[tuple[Tensor, dict[str, Tensor]]], index: Tensor, flips: Tensor | None) -> Batch:
        images, columns = gathered.result()
        return _batch(*_to(self.device, images, columns), index.to(self.device, non_blocking=True), flips)


class WorkerLoader:
    """torch's ``DataLoader`` over the same samples, for comparison.

    Args: as :class:`ResidentLoader`, and ``workers``: the number of worker processes.
    """

    def __init__(self, images: Tensor, columns: Columns, order: Order, device: torch.device, workers: int) -> None:
        self.dataset, self.order, self.device, self.workers = _Samples(images, columns), order, device, workers

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[Batch]:
        chosen = list(self.order.batches())
        batches: DataLoader[dict[str, Tensor]] = DataLoader(
            self.dataset,
            batch_sampler=[index.tolist() for index, _ in chosen],  # type: ignore[arg-type]
            num_workers=self.workers,
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator(),  # otherwise torch draws the workers' seeds from the global generator
        )
        for columns, (index, flips) in zip(batches, chosen, strict=True):
            images = columns.pop("image")
            yield _batch(*_to(self.device, images, columns), index.to(self.device), flips)


class _Samples(Dataset[dict[str, Tensor]]):
    def __init__(self, images: Tensor, columns: Columns) -> None:
        self.columns = {**columns, "image": images}

    def __getitem__(self, position: int) -> dict[str, Tensor]:
        return {name: column[position] for name, column in self.columns.items()}


Loader = ResidentLoader | MappedLoader | WorkerLoader


def make_loader(
    images: Tensor,
    columns: Columns,
    order: Order,
    residency: Residency = "auto",
    device: torch.device | None = None,
    workers: int = 2,
) -> Loader:
    """The loader of a split for a residency.

    Args:
        images: ``[N, C, H, W]`` uint8, usually memory-mapped.
        columns: the other columns of a batch.
        order: of the batches.
        residency: where the split is held.
        device: of the batches; the CPU if None.
        workers: worker processes of ``residency="workers"``.
    """
    device = device or torch.device("cpu")
    if residency == "auto":
        residency = "device" if _fits(images, device) else "mmap"
    if residency == "workers":
        return WorkerLoader(images, columns, order, device, workers)
    return (ResidentLoader if residency == "device" else MappedLoader)(images, columns, order, device)


def _fits(images: Tensor, device: torch.device) -> bool:
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return images.numel() < ROOM * free


def _to(device: torch.device, images: Tensor, columns: Columns) -> tuple[Tensor, dict[str, Tensor]]:
    moved = {name: column.to(device, non_blocking=True) for name, column in columns.items()}
    return images.to(device, non_blocking=True), moved


def _batch(images: Tensor, columns: dict[str, Tensor], index: Tensor, flips: Tensor | None) -> Batch:
    """A batch as a step reads it, from uint8 images, on their device."""
    values = images.float().div_(255)
    if flips is not None:
        values = torch.where(flips.to(values.device, non_blocking=True).view(-1, 1, 1, 1), values.flip(3), values)
    return {"image": values, **columns, "index": index}
