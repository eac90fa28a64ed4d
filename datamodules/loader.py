"""Batches from a split that is stored as uint8. Its residency changes the speed of loading, not the batches:

- ``device``: the whole split is on the training device; a batch is one gather there.
- ``mmap``: the split stays memory-mapped; the next batch is gathered on the host in advance, and moved.
- ``workers``: torch's ``DataLoader`` with worker processes, for comparison.
- ``auto``: ``device`` on a GPU with room for the split, otherwise ``mmap``.

Which samples make up a batch is decided in :mod:`datamodules.order`, the same for every residency.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from datamodules.order import Order
from datamodules.residency import Residency

Batch = dict[str, Tensor]
Columns = Mapping[str, Tensor]
ROOM = 0.6  # share of a GPU's free memory that the data may take


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
