"""What all data sets have in common: splits in packed stores, attributes by name, resident batches."""

from __future__ import annotations

import difflib
import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from datamodules.building import Chunks
from datamodules.console import say, shown
from datamodules.loading import Loading
from datamodules.splits import SPLITS
from datamodules.store import PackedStore, fingerprint, open_or_build

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from datamodules.lightning import ForLightning
    from datamodules.loader import Loader, Order

# Only methods that make batches import torch, so that commands can describe a data set without that wait.
EVALUATION_BATCH = 250  # no gradients are kept, so a batch may be larger


class StoredDataModule:
    """A data set in packed stores, one per split.

    Batches are ``{image [B, C, r, r] in [0, 1], attributes [B, k] in {0, 1} with NaN where unknown, index [B]}``.

    Args:
        name: such as ``avatars``.
        known: every attribute of the data set, in the order of the stores' columns.
        attributes: which of them the batches carry, in this order; all of them if None.
        resolution: side in pixels.
        channels: 3 for colour, 1 for grey.
        directory: where the stores are.
        loading: how batches are loaded.

    Attributes:
        batch_size: images of a training step, over all processes together.
        workers: processes that build a store, or read it (``residency=workers``); one per core if None.
        order_seed: seed of the order of the train split and of its flips.
        flip: whether training mirrors each image with probability ½; if None, where an epoch of
            ``images_per_epoch`` has every image at least twice.
        images_per_epoch: images of a training epoch, whatever the size of the split; one pass over it if None.
        residency: where a split is held while it is used: ``device``, ``mmap``, ``workers``, or ``auto``, which chooses
            (:mod:`datamodules.loader`).

    Raises:
        ValueError: an unknown attribute, or a setting outside its range.
    """

    def __init__(
        self,
        name: str,
        known: Sequence[str],
        attributes: Sequence[str] | None,
        resolution: int,
        channels: int,
        directory: Path,
        loading: Loading,
    ) -> None:
        self.trainer: Any = None  # set when Lightning asks for batches
        self.name, self.known, self.channels, self.directory = name, tuple(known), channels, directory
        self.attribute_names = check_attributes(attributes, known, name)
        if resolution < 8:
            raise ValueError(f"data.resolution={resolution}: nothing can be seen below 8 pixels")
        self.resolution, self.batch_size, self.order_seed = resolution, loading.batch_size, loading.order_seed
        self.workers = loading.workers or os.cpu_count() or 1
        self.flip, self.residency, self.on_corrupt = loading.flip, loading.residency, "skip"
        self.steps_per_batch, self.images_per_epoch = 1, loading.images_per_epoch

    # ------------------------------------------------------------------ what each data set provides

    @abstractmethod
    def size(self, split: str) -> int:
        """Number of records in a split's source."""

    @abstractmethod
    def describe(self, split: str) -> Mapping[str, Any]:
        """Everything that determines a split's pixels and labels, as values that JSON can hold."""

    @abstractmethod
    def make(self, split: str, done: np.ndarray) -> Chunks:
        """Make the records of a split that ``done`` ``[N]`` does not mark."""

    def looked_for(self) -> tuple[Path, bool] | None:
        """Where the files of the source should be, and whether they are there, by their names; None: there are none."""
        return None

    # ------------------------------------------------------------------ the stores

    def store(self, split: str) -> PackedStore:
        """The packed store of a split, built if it is missing.

        Raises:
            ValueError: the split does not exist, or its source can't be used.
        """
        if split not in SPLITS:
            raise ValueError(f"no split {split!r}; there are {', '.join(SPLITS)}")
        return self.open(split, split, self.describe(split), partial(self.make, split))

    def built(self, split: str, verify: bool = False) -> tuple[Path, PackedStore | None]:
        """The path of a split's store, and the store if it has been built.

        Args:
            split: ``train``, ``val`` or ``test``.
            verify: check every record.

        Raises:
            ValueError: the store is damaged.
        """
        path = self.built_path(split)
        record = (self.channels, self.resolution, self.resolution, self.stored_attributes)
        return path, PackedStore.open(path, verify, record) if path.is_dir() else None

    @property
    def stored_attributes(self) -> int:
        """Number of labels of a record in the stores, at least one."""
        return max(len(self.known), 1)

    def built_path(self, split: str) -> Path:
        """The path of a split's store, whether or not it has been built."""
        return self._place(split, self.describe(split))

    def _place(self, label: str, description: Mapping[str, Any]) -> Path:
        # Without the version, so that a new version's store replaces the old one.
        unversioned = {name: value for name, value in description.items() if name != "version"}
        return self.directory / f"{label}-{self.resolution}px-{fingerprint(unversioned)}"

    def open(self, label: str, split: str, description: Mapping[str, Any], make: Any) -> PackedStore:
        """The store at ``<label>-<resolution>px-<fingerprint>``, built if it is missing."""
        store = open_or_build(
            self._place(label, description),
            (self.size(split), self.channels, self.resolution, self.resolution),
            self.stored_attributes,
            {**description, "attributes": list(self.known)},
            lambda done: shown(make(done), f"{self.name}: {label}", done),
            say,
        )
        if left_out := self.size(split) - len(store.images):
            line = f"{self.name}: {label} lacks {left_out:,} images that can't be decoded"
            if self.on_corrupt == "fail":
                raise ValueError(f"{line}: data.on_corrupt=skip leaves them out")
            say(line)
        return store

    @property
    def fingerprint(self) -> str:
        """A hash that changes whenever an image, a label or a split changes."""
        return fingerprint({split: dict(self.describe(split)) for split in SPLITS})

    @property
    def exclusive(self) -> dict[str, frozenset[str]]:
        """Attribute -> the other attributes that change with it; none by default."""
        return {}

    def implied(self, name: str, value: bool) -> dict[str, bool]:
        """Values of other attributes that follow from a value of this one; none by default."""
        return {}

    def prepare_data(self) -> None:
        """Build the stores that are missing. Runs in one process."""
        for split in SPLITS:
            self.size(split)  # fails for a split that can't be made, before another one is decoded
        for split in SPLITS:
            self.store(split)

    # ------------------------------------------------------------------ batches

    def tensors(self, split: str) -> tuple[Tensor, Tensor]:
        """A split as (images ``[N, C, r, r]`` uint8, attributes ``[N, k]`` float in {0, 1}, NaN = unknown)."""
        import torch

        images = torch.from_numpy(self.store(split).images[:])
        return images, self.labels_of(split, self.attribute_names)

    def labels_of(self, split: str, names: Sequence[str]) -> Tensor:
        """Labels of any attributes that the data set knows, ``[N, len(names)]`` float in {0, 1}, NaN = unknown."""
        import torch

        columns = [self.known.index(name) for name in names]
        labels = torch.from_numpy(self.store(split).labels)[:, columns].float()
        return labels.masked_fill(labels < 0, float("nan"))

    def columns(self, split: str) -> dict[str, Tensor]:
        """The columns that a batch carries besides the images, each ``[N, ...]``."""
        return {"attributes": self.labels_of(split, self.attribute_names)}

    def loader(self, split: str, device: torch.device | None = None) -> Loader:
        """Batches of a split: shuffled for ``train``, in order and complete for the others.

        Args:
            split: ``train``, ``val`` or ``test``.
            device: of the batches; the trainer's device if None.
        """
        import torch

        from datamodules.loader import make_loader

        device = device or (self.trainer.strategy.root_device if self.trainer else torch.device("cpu"))
        images, columns = self.tensors(split)[0], self.columns(split)
        return make_loader(images, columns, self.order(split), self.residency, device, self.workers)

    def for_lightning(self) -> ForLightning:
        """The data set as a ``LightningDataModule``."""
        from datamodules.lightning import ForLightning

        return ForLightning(self)

    def batch_share(self) -> int:
        """Training samples per batch of one process; a step uses the same batch for any number of processes.

        Raises:
            ValueError: the batch can't be divided evenly, or a process would get a single image.
        """
        processes = self.trainer.world_size if self.trainer else 1
        if self.batch_size % processes or self.batch_size < 2 * processes:
            raise ValueError(
                f"data.batch_size={self.batch_size} can't be shared out evenly among {processes} processes: "
                f"choose a multiple of {processes}, {2 * processes} at least"
            )
        return self.batch_size // processes

    def order(self, split: str) -> Order:
        """Which samples make up which batch.

        Raises:
            ValueError: the training split is smaller than one batch, or the batch can't be divided evenly.
        """
        from datamodules.loader import Order

        trainer = self.trainer
        train = split == "train"
        return Order(
            len(self.store(split).images),
            batch_size=self.batch_share() if train else max(self.batch_size, EVALUATION_BATCH),
            shuffle=train,
            flip=self.flip if train else False,
            seed=self.order_seed,
            steps=self.steps_per_batch,
            epoch=(lambda: trainer.current_epoch) if trainer and not trainer.overfit_batches else (lambda: 0),
            done=partial(_done, trainer) if trainer and train else (lambda: 0),
            images=self.images_per_epoch if train else None,
            rank=trainer.global_rank if trainer else 0,
            world_size=trainer.world_size if trainer else 1,
        )

    def train_dataloader(self) -> Loader:
        return self.loader("train")

    def val_dataloader(self) -> Loader:
        return self.loader("val")

    def test_dataloader(self) -> Loader:
        return self.loader("test")


def _done(trainer: Any) -> int:
    """Number of batches of the current epoch that a resumed run has already trained on."""
    return int(trainer.fit_loop.epoch_loop.batch_progress.current.ready)


def runs(done: np.ndarray, length: int) -> list[range]:
    """Ranges of at most ``length`` positions that cover all positions that are not done."""
    ranges: list[range] = []
    for start in range(0, len(done), length):
        missing = np.flatnonzero(~done[start : start + length]) + start
        if len(missing):
            ranges.append(range(int(missing[0]), int(missing[-1]) + 1))
    return ranges


def check_attributes(chosen: Sequence[str] | None, known: Sequence[str], data: str) -> tuple[str, ...]:
    """The chosen attributes, all known ones if None.

    Raises:
        ValueError: the list is empty, or has an attribute twice or an unknown one; the message gives the nearest names.
    """
    if chosen is not None and (not chosen or len(set(chosen)) < len(chosen)):
        raise ValueError(f"attributes={list(chosen)}: choose one or more, each once")
    for name in chosen or ():
        if name not in known:
            names = {one.lower(): one for one in known}
            near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.4)
            nearest = [names[one] for one in near] or known
            raise ValueError(f"data={data} has no attribute {name!r}; nearest: {', '.join(nearest)}")
    return tuple(known) if chosen is None else tuple(chosen)
