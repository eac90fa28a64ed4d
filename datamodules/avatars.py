"""``data=avatars``: the embedded data set. Portraits with known factors, drawn offline, and their counterfactuals."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from pytorch_lightning import LightningDataModule
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from datamodules.avatar_drawing import render, versions
from datamodules.avatar_factors import ATTRIBUTES, GROUPS, SPLITS, Avatar, draw_avatar
from datamodules.avatar_pool import draw_runs
from datamodules.loader import ResidentLoader
from datamodules.store import Chunks, PackedStore, data_directory, fingerprint, open_or_build

EVALUATION_BATCH = 250  # no gradients are kept, so a batch may be larger
CHUNK = 200  # images a worker draws before it reports


class AvatarsDataModule(LightningDataModule):
    """Avatars as batches, with their true counterfactuals.

    Batches are ``{image [B, 3, r, r] in [0, 1], attributes [B, k] in {0, 1}, index [B]}``.

    Args:
        resolution: side in pixels.
        attributes: which of :data:`ATTRIBUTES` the batches carry, in this order; all of them if None.
        train_size: images of the train split.
        val_size: images of the validation split.
        test_size: images of the test split.
        images_per_identity: train images that show one person. Validation and test show everybody once, so that their
            images are independent; no person is in two splits.
        correlation: strength of a realistic dependence between attributes, 0 (independent) to 1.
        seed: of the data set.
        root: where the packed store lies; ``$FACET_DATA/avatars`` or the user's cache directory if None.
        batch_size: per process.
        workers: processes that draw; one per core if None.
        order_seed: of the order in which the train split is seen.

    Raises:
        ValueError: an unknown attribute, or a setting outside its range.
    """

    channels = 3

    def __init__(
        self,
        resolution: int = 64,
        attributes: Sequence[str] | None = None,
        train_size: int = 20_000,
        val_size: int = 2_000,
        test_size: int = 3_000,
        images_per_identity: int = 4,
        correlation: float = 0.0,
        seed: int = 0,
        root: str | None = None,
        batch_size: int = 64,
        workers: int | None = None,
        order_seed: int = 0,
    ) -> None:
        super().__init__()
        self.attribute_names = check_attributes(attributes, ATTRIBUTES, "avatars")
        sizes = {"train_size": train_size, "val_size": val_size, "test_size": test_size}
        for name, value in {**sizes, "images_per_identity": images_per_identity, "batch_size": batch_size}.items():
            if value < 1:
                raise ValueError(f"data.{name}={value}: it must be at least 1")
        if workers is not None and workers < 1:
            raise ValueError(f"data.workers={workers}: it must be at least 1, or null for one per core")
        if seed < 0:
            raise ValueError(f"data.seed={seed}: it must not be negative")
        if resolution < 8:
            raise ValueError(f"data.resolution={resolution}: nothing can be seen below 8 pixels")
        if not 0 <= correlation <= 1:
            raise ValueError(f"data.correlation={correlation} is a strength: choose from 0 to 1")
        self.resolution, self.batch_size, self.order_seed = resolution, batch_size, order_seed
        self.sizes = dict(zip(SPLITS, sizes.values(), strict=True))
        self.images_per_identity = {split: images_per_identity if split == "train" else 1 for split in SPLITS}
        self.settings: dict[str, Any] = {"seed": seed, "correlation": correlation}
        self.directory = data_directory("avatars", root)
        self.workers = workers or os.cpu_count() or 1
        self.description = {"data": "avatars", "resolution": resolution, **self.settings, **versions()}

    # ------------------------------------------------------------------ the stores

    def store(self, split: str, flipped: str | None = None) -> PackedStore:
        """The packed store of a split, drawn if need be.

        Args:
            split: ``train``, ``val`` or ``test``.
            flipped: if given, every image is the counterfactual in which this attribute is the other way round.
        """
        description = {
            **self.description,
            "images_per_identity": self.images_per_identity[split],
            "split": split,
            "size": self.sizes[split],
            "flipped": flipped,
        }
        name = f"{split}{'-' + flipped if flipped else ''}-{self.resolution}px-{fingerprint(description)}"
        return open_or_build(
            self.directory / name,
            (self.sizes[split], self.channels, self.resolution, self.resolution),
            len(ATTRIBUTES),
            {**description, "attributes": list(ATTRIBUTES)},
            partial(self._draw, split, flipped),
            lambda line: Console(stderr=True).print(line, style="yellow"),
        )

    def _draw(self, split: str, flipped: str | None) -> Chunks:
        """Draw a split in parallel, with a progress bar."""
        size = self.sizes[split]
        runs = [range(i, min(i + CHUNK, size)) for i in range(0, size, CHUNK)]
        drawn = draw_runs(
            runs,
            self.workers,
            split=split,
            resolution=self.resolution,
            changes=flipped,
            images_per_identity=self.images_per_identity[split],
            **self.settings,
        )
        title = f"drawing {split} avatars" + (f", {flipped} flipped" if flipped else "")
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task(title, total=size)
            for run, (images, labels) in zip(runs, drawn, strict=True):
                progress.advance(task, len(run))
                yield run.start, images, labels

    @property
    def fingerprint(self) -> str:
        """Changes with anything that changes an image, a label or a split."""
        return fingerprint({**self.description, **self.sizes, "images_per_identity": self.images_per_identity})

    @property
    def exclusive(self) -> dict[str, frozenset[str]]:
        """Attribute -> the others that change with it, because they belong to one group."""
        members = [{name for _, names in states.values() for name in names} for states in GROUPS.values()]
        return {name: frozenset(group - {name}) for group in members for name in group}

    def prepare_data(self) -> None:
        """Draw what is missing. Runs in one process."""
        for split in SPLITS:
            self.store(split)

    # ------------------------------------------------------------------ batches

    def tensors(self, split: str) -> tuple[Tensor, Tensor]:
        """A split as (images ``[N, 3, r, r]`` uint8, attributes ``[N, k]`` float in {0, 1})."""
        store = self.store(split)
        return torch.from_numpy(store.images[:]), self._select(store)

    def _select(self, store: PackedStore) -> Tensor:
        columns = [ATTRIBUTES.index(name) for name in self.attribute_names]
        labels = torch.from_numpy(store.labels)[:, columns].float()
        return labels.masked_fill(labels < 0, float("nan"))

    def loader(self, split: str) -> ResidentLoader:
        """Batches of a split: shuffled for ``train``, in order and complete for the others."""
        trainer = self.trainer
        return ResidentLoader(
            *self.tensors(split),
            batch_size=self.batch_size if split == "train" else max(self.batch_size, EVALUATION_BATCH),
            shuffle=split == "train",
            seed=self.order_seed,
            epoch=(lambda: trainer.current_epoch) if trainer else (lambda: 0),
            rank=trainer.global_rank if trainer else 0,
            world_size=trainer.world_size if trainer else 1,
        )

    def train_dataloader(self) -> ResidentLoader:
        return self.loader("train")

    def val_dataloader(self) -> ResidentLoader:
        return self.loader("val")

    def test_dataloader(self) -> ResidentLoader:
        return self.loader("test")

    # ------------------------------------------------------------------ what no other data set has

    def factors(self, index: int, split: str = "test") -> Avatar:
        """The factors of an image: attributes, identity, pose, background.

        Raises:
            ValueError: no such split, or no such position in it.
        """
        if split not in SPLITS:
            raise ValueError(f"no split {split!r}; there are {', '.join(SPLITS)}")
        if not 0 <= index < self.sizes[split]:
            raise ValueError(f"no image {index} in the {split} split: it has {self.sizes[split]}")
        people = self.images_per_identity[split]
        return draw_avatar(split=split, index=index, images_per_identity=people, **self.settings)

    def counterfactual(self, index: int, changes: Mapping[str, float], split: str = "test") -> Tensor:
        """The same avatar drawn again with attributes changed, ``[3, r, r]`` in [0, 1].

        Args:
            index: position in the split.
            changes: attribute -> 0 or 1.
            split: ``train``, ``val`` or ``test``.

        Raises:
            ValueError: an unknown attribute, a value other than 0 or 1, attributes that exclude each other, or no such
                image.
        """
        check_attributes(list(changes) or None, ATTRIBUTES, "avatars")
        avatar = self.factors(index, split)
        for name, value in changes.items():
            if value not in (0, 1):
                raise ValueError(f"{name}={value}: an avatar can only be drawn with 0 or 1")
            avatar = avatar.changed(name, bool(value))
        labels = dict(zip(ATTRIBUTES, avatar.labels(), strict=True))
        if any(labels[name] != value for name, value in changes.items()):
            raise ValueError(f"{dict(changes)} can't hold at once for image {index}: some exclude each other")
        return torch.from_numpy(render(avatar, self.resolution)).float() / 255

    def counterfactuals(self, name: str, split: str = "test") -> Tensor:
        """Every image of a split with one attribute the other way round, ``[N, 3, r, r]`` uint8."""
        check_attributes([name], ATTRIBUTES, "avatars")
        return torch.from_numpy(self.store(split, flipped=name).images[:])


def check_attributes(chosen: Sequence[str] | None, known: Sequence[str], data: str) -> tuple[str, ...]:
    """The chosen attributes, all known ones if None.

    Raises:
        ValueError: none, one twice, or an unknown one; then the nearest known ones are named.
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
