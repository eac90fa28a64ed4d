"""Batches from a split that is stored as uint8: where it lies decides what a batch costs, never what it holds.

- ``device``: the whole split lies on the training device (or in memory); a batch is one gather there.
- ``mmap``: the split stays memory-mapped; a batch is gathered on the host, ahead of its time, and moved.
- ``workers``: torch's ``DataLoader`` with worker processes, for comparison.
- ``auto``: ``device`` on a GPU with room for it, else ``mmap``.

The order of an epoch, and what is flipped, are functions of seed and epoch alone, so all of them give the same batches
and a resumed run sees what it would have seen, from the middle of an epoch too. Ranks take every ``world_size``-th
sample of that order: training drops the uneven tail, evaluation keeps every sample, once.
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
ROOM = 0.6  # of a GPU's free memory that the data may take


@dataclass(frozen=True)
class Order:
    """Which samples make up which batch.

    Args:
        size: of the split.
        batch_size: samples per batch and rank.
        shuffle: train (permuted, tail dropped) or evaluate (in order, complete).
        flip: whether every image has an even chance to be flipped.
        seed: of order and flips.
        epoch: asked at the start of every pass.
        rank: of this process.
        world_size: number of processes.
        steps: how many training batches come as one, for a method that takes several steps at a time.
        done: how many of a pass's batches are behind it already, asked at its start: a run resumed in mid-epoch.

    Raises:
        ValueError: a training split smaller than one batch on every rank.
    """

    size: int
    batch_size: int
    shuffle: bool = False
    flip: bool = False
    seed: int = 0
    epoch: Callable[[], int] = lambda: 0
    rank: int = 0
    world_size: int = 1
    steps: int = 1
    done: Callable[[], int] = lambda: 0

    def __post_init__(self) -> None:
        if self.size == 0:
            raise ValueError("the split is empty: no image belongs to it")
        if self.shuffle and self.size < self.batch_size * self.world_size:
            raise ValueError(
                f"the training split has {self.size} images, fewer than one batch of {self.batch_size} "
                f"on each of {self.world_size} processes: choose a smaller data.batch_size"
            )

    def __len__(self) -> int:
        if self.shuffle:
            return -(-self.samples // (self.batch_size * self.steps))
        longest = -(-self.size // self.world_size)
        return -(-longest // self.batch_size)  # the same on every rank, or the ranks would wait for one another

    @property
    def samples(self) -> int:
        """That a training pass sees on every rank: the uneven tail is dropped."""
        return self.size // self.world_size // self.batch_size * self.batch_size

    def batches(self, device: torch.device | None = None) -> Iterator[tuple[Tensor, Tensor | None]]:
        """(positions ``[B]``, which of them are flipped ``[B]`` or None), on a device: an epoch's are moved at once."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch())
        if self.shuffle:
            order = torch.randperm(self.size, generator=generator)
            order = order[: self.size // self.world_size * self.world_size]
        else:
            order = torch.arange(self.size)
        flips = torch.rand(self.size, generator=generator) < 0.5 if self.flip else None
        order = order[self.rank :: self.world_size]
        if self.shuffle:
            order = order[: self.samples]
        flipped = None if flips is None else flips[order]
        if device is not None:
            order, flipped = order.to(device), None if flipped is None else flipped.to(device)
        for start, stop in itertools.islice(self._bounds(len(order)), self.done(), None):
            yield order[start:stop], None if flipped is None else flipped[start:stop]

    def _bounds(self, size: int) -> Iterator[tuple[int, int]]:
        """Training: even batches; evaluation: the same number on every rank, as even as can be."""
        count = len(self)
        if self.shuffle:
            cuts = [*range(0, size, self.batch_size * self.steps), size]
        else:
            cuts = [-(-i * size // count) for i in range(count + 1)]
        yield from itertools.pairwise(cuts)


class ResidentLoader:
    """The split lies whole on one device, and a batch is one gather.

    Args:
        images: ``[N, C, H, W]`` uint8.
        columns: what a batch carries besides, each ``[N, ...]``: attributes, labels.
        order: of the batches.
        device: where the split lies and the batches come.
    """

    def __init__(self, images: Tensor, columns: Columns, order: Order, device: torch.device) -> None:
        self.images = images.to(device, copy=True)  # on the CPU too: it may be a map of a file
        self.columns, self.order = {name: column.to(device) for name, column in columns.items()}, order

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[Batch]:
        for index, flips in self.order.batches(self.images.device):
            chosen = {name: column[index] for name, column in self.columns.items()}
            yield _batch(self.images.index_select(0, index), chosen, index, flips)


class MappedLoader:
    """The split stays on the host, memory-mapped; the next batch is gathered while this one is used.

    Args: as :class:`ResidentLoader`.
    """

    def __init__(self, images: Tensor, columns: Columns, order: Order, device: torch.device) -> None:
        self.images, self.columns, self.order, self.device = images, dict(columns), order, device

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[Batch]:
        if self.device.type == "cpu":  # a thread of its own would only take a core from the step
            for index, flips in self.order.batches():
                yield _batch(*self._gathered(index), index, flips)
            return
        with ThreadPoolExecutor(1) as ahead:
            waiting = None
            for index, flips in self.order.batches():
                coming = ahead.submit(self._gathered, index, True), index, flips
                if waiting is not None:
                    yield self._moved(*waiting)
                waiting = coming
            if waiting is not None:
                yield self._moved(*waiting)

    def _gathered(self, index: Tensor, pin: bool = False) -> tuple[Tensor, dict[str, Tensor]]:
        chosen = {name: column[index] for name, column in self.columns.items()}
        if pin:  # so that the copy to the device needs no one's time
            chosen = {name: value.pin_memory() for name, value in chosen.items()}
            return self.images.index_select(0, index).pin_memory(), chosen
        return self.images.index_select(0, index), chosen

    def _moved(self, gathered: Future[tuple[Tensor, dict[str, Tensor]]], index: Tensor, flips: Tensor | None) -> Batch:
        images, columns = gathered.result()
        return _batch(*_to(self.device, images, columns), index.to(self.device, non_blocking=True), flips)


class WorkerLoader:
    """torch's ``DataLoader`` over the same samples, for comparison.

    Args: as :class:`ResidentLoader`, and ``workers``: its processes.
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
            generator=torch.Generator(),  # torch would draw its workers' seeds from the generator of the noise
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
    """The loader that a residency names, for a split.

    Args:
        images: ``[N, C, H, W]`` uint8, memory-mapped as a rule.
        columns: what a batch carries besides.
        order: of the batches.
        residency: where the split lies.
        device: where batches are wanted; the CPU if None.
        workers: processes of ``workers``.
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
    """uint8 on any device to what a step reads, on the same device."""
    values = images.float().div_(255)
    if flips is not None:
        values = torch.where(flips.to(values.device, non_blocking=True).view(-1, 1, 1, 1), values.flip(3), values)
    return {"image": values, **columns, "index": index}
