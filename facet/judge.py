"""The judge: an independent classifier of all attributes that scores the edits of every system.

It is trained only on real images of the train split, never on model output, and shares neither weights nor architecture
with any discriminator. Every table shows its accuracy on the test split.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from facet import checkpoints
from facet.blurring import blur, largest_blur
from facet.commands import say
from facet.configuration import digest
from facet.errors import UserError
from facet.files import atomic_write
from facet.protocols import Classes, Data

VERSION = 2  # increase it when a change of the code makes another judge of the same data
PIECE = 64  # images per forward pass on a CPU
EPOCHS, BATCH_SIZE, LEARNING_RATE, WIDTH, PATIENCE = 4, 128, 4e-3, 24, 2
STEPS = 150  # at least: four epochs of 400 images are twelve steps, which teach nothing


class Judge(nn.Module):
    """A small residual-free convolutional classifier with batch norm and SiLU, pooled down to 4×4.

    Args:
        attribute_names: the outputs in order: attributes, each present or absent, or mutually exclusive classes.
        resolution: side of the images in pixels, at least 8.
        channels: channels of the images.
        width: channels of the first convolution.
        classes: whether the outputs are mutually exclusive classes.
    """

    def __init__(
        self,
        attribute_names: tuple[str, ...],
        resolution: int,
        channels: int = 3,
        width: int = WIDTH,
        classes: bool = False,
    ) -> None:
        super().__init__()
        self.attribute_names, self.classes = attribute_names, classes
        layers: list[nn.Module] = [*_block(channels, width), *_block(width, width)]
        side = resolution
        while side > 4:
            wider = min(2 * width, 4 * WIDTH)
            layers += [nn.MaxPool2d(2), *_block(width, wider)]
            width, side = wider, side // 2
        self.features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(4), nn.Flatten())
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(width * 16, len(attribute_names)))

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(self.parameters()).device

    def take(self, images: Tensor) -> Tensor:
        """Images ``[N, C, H, W]`` uint8 on any device, to [0, 1] on the judge's device."""
        return images.to(self.device).float() / 255

    def forward(self, images: Tensor) -> Tensor:
        """Images ``[B, C, H, W]`` in [0, 1] to logits ``[B, K]``."""
        logits: Tensor = self.head(self.features((images - 0.5) * 4))
        return logits

    @torch.no_grad()
    def read(self, images: Tensor) -> Tensor:
        """Images in [0, 1] to predicted attributes, ``[B, K]`` bool."""
        return self._in_pieces(images) > 0

    @torch.no_grad()
    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images in [0, 1] to predicted attributes ``[B, K]`` bool, and features ``[B, F]``, in one pass.

        The features are the last feature maps, averaged over positions.
        """
        pieces = torch.split(images, PIECE) if images.device.type == "cpu" else [images]
        features = torch.cat([self.features((piece - 0.5) * 4) for piece in pieces])
        return self.head(features) > 0, features.view(len(images), -1, 16).mean(2)

    @torch.no_grad()
    def classify(self, images: Tensor) -> Tensor:
        """Images in [0, 1] to predicted classes, ``[B]`` long."""
        return self._in_pieces(images).argmax(1)

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> Tensor:
        """Images ``[B, C, H, W]`` in [0, 1] to the probability of each attribute or class, ``[B, K]``."""
        logits: Tensor = self(images)
        return logits.softmax(1) if self.classes else logits.sigmoid()

    def _in_pieces(self, images: Tensor) -> Tensor:
        """Images in [0, 1] to logits ``[B, K]``; on a CPU, a few images at a time."""
        if images.device.type != "cpu" or len(images) <= PIECE:
            logits: Tensor = self(images)
            return logits
        # twice as fast: the features of so few images stay in the processor's cache
        return torch.cat([self(piece) for piece in torch.split(images, PIECE)])

    def fused(self) -> Judge:
        """A copy for evaluation only, with the batch norms folded into the convolutions before them."""
        judge = copy.deepcopy(self).eval()
        layers: list[nn.Module] = []
        for layer in judge.features:
            if isinstance(layer, nn.BatchNorm2d):
                convolution = layers.pop()
                assert isinstance(convolution, nn.Conv2d)
                layers.append(fuse_conv_bn_eval(convolution, layer))
            else:
                layers.append(nn.SiLU(inplace=True) if isinstance(layer, nn.SiLU) else layer)
        judge.features = nn.Sequential(*layers)
        return judge.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _block(channels: int, out: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.SiLU()]


def judge_key(data: Data) -> str:
    """A digest of all that determines a judge: data, resolution, architecture and training."""
    settings: tuple[float, ...] = (EPOCHS, BATCH_SIZE, LEARNING_RATE, WIDTH, PATIENCE, STEPS)
    if blurred := largest_blur(data.resolution):
        settings += (blurred,)
    return digest({"version": VERSION, "data": data.fingerprint, "resolution": data.resolution, "settings": settings})


def get_judge(data: Data, device: torch.device | str = "cpu") -> tuple[Judge, dict[str, Any]]:
    """The judge of a data set, trained if it isn't in the cache yet.

    Args:
        data: the data set with all its attributes; its stores exist.
        device: the device to train on.

    Returns:
        The judge in evaluation mode, frozen, on the CPU; and its card: ``key``, test ``accuracy`` per attribute, the
        number of ``known`` test labels per attribute, and the number ``n`` of test images.
    """
    with torch.random.fork_rng():
        judge = _untrained(data)
    path = data.directory / "judges" / f"{judge_key(data)}.pt"
    saved = _cached(path, judge) or _trained(path, data, device, judge)  # reading a cached judge takes no lock
    judge.load_state_dict(saved["state"])
    return judge.fused().requires_grad_(False), saved["card"]


def blank_judge(data: Data) -> Judge:
    """A judge in the shape of :func:`get_judge`'s that has seen no image: what it reads means nothing."""
    return _untrained(data).eval().requires_grad_(False)


def _cached(path: Path, judge: Judge) -> dict[str, Any] | None:
    """The content of a judge's file; None if it is missing, damaged or of another architecture."""
    try:
        saved = checkpoints.read(path)
        shapes, known = (_shapes(state) for state in (saved["state"], judge.state_dict()))
        return saved if shapes == known and saved["card"]["key"] == path.stem else None
    except (UserError, KeyError, TypeError, AttributeError):
        return None


def _shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in state.items()}


def _trained(path: Path, data: Data, device: torch.device | str, judge: Judge) -> dict[str, Any]:
    """Train a judge and write its file, unless another process has done so meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say("another process is training the judge of these data: waiting for it")
        lock.acquire()
    try:
        if saved := _cached(path, judge):
            return saved
        if path.exists():
            say(f"the judge {path} is damaged: it is trained again", "yellow")
        trained, card = train_judge(data, device)
        content = {"state": trained.cpu().state_dict(), "card": {"key": path.stem, **card}}
        atomic_write(path, lambda file: checkpoints.write(file, content))
        return content
    finally:
        lock.release()


def train_judge(data: Data, device: torch.device | str = "cpu") -> tuple[Judge, dict[str, Any]]:
    """Train on the train split, keep the best epoch by validation loss, measure accuracy on the test split."""
    with torch.random.fork_rng():  # whether the judge was in the cache must not change a run's random numbers
        torch.manual_seed(0)
        judge = _untrained(data).to(device)
        _fit(judge, data, device)
    images, labels = _labelled(data, "test")
    logits = _logits(judge, images, device)
    if isinstance(data, Classes):
        return judge, {"accuracy": {"class": float((logits.argmax(1) == labels).double().mean())}, "n": len(images)}
    known = (~labels.isnan()).sum(0).tolist()
    return judge, {
        "accuracy": dict(zip(data.attribute_names, _accuracy(logits, labels), strict=True)),
        "known": dict(zip(data.attribute_names, known, strict=True)),
        "n": len(images),
    }


def _untrained(data: Data) -> Judge:
    names = data.class_names if isinstance(data, Classes) else data.attribute_names
    judge = Judge(names, data.resolution, data.channels, classes=isinstance(data, Classes))
    # Set the layout on the weights too: a one-channel image doesn't show its layout, and convolutions use either's.
    return judge.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _labelled(data: Data, split: str) -> tuple[Tensor, Tensor]:
    """The images of a split, and their attributes ``[N, k]`` or classes ``[N]``."""
    images, attributes = data.tensors(split)
    return images, data.classes(split) if isinstance(data, Classes) else attributes


def _loss(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels) if labels.dim() == 1 else masked_bce(logits, labels)


def _fit(judge: Judge, data: Data, device: torch.device | str) -> None:
    images, labels = _labelled(data, "train")
    val_images, val_labels = _labelled(data, "val")
    batches = max(1, len(images) // BATCH_SIZE)
    epochs = max(EPOCHS, math.ceil(STEPS / batches))
    patience = PATIENCE * epochs // EPOCHS
    optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=epochs * batches)
    best, best_state, waited = float("inf"), copy.deepcopy(judge.state_dict()), 0
    largest = largest_blur(data.resolution)
    columns = (TextColumn("training the judge"), BarColumn(), TextColumn("{task.fields[loss]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=epochs * batches, loss="")
        for _ in range(epochs):
            judge.train()
            for index in torch.randperm(len(images))[: batches * BATCH_SIZE].view(batches, -1):
                batch = images[index].to(device).float().div_(255).contiguous(memory_format=torch.channels_last)
                if largest:
                    blur(batch[: BATCH_SIZE // 2], largest)  # half: sharp ones are read, too
                loss = _loss(judge(batch), labels[index].to(device))
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
                progress.advance(task)
            loss_on_val = float(_loss(_logits(judge, val_images, device), val_labels))
            progress.update(task, loss=f"validation loss {loss_on_val:.4f}")
            waited += 1
            if loss_on_val < best or val_labels.isnan().all():
                best, best_state, waited = loss_on_val, copy.deepcopy(judge.state_dict()), 0
            if waited == patience:
                break
    judge.load_state_dict(best_state)


def masked_bce(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean binary cross-entropy over the known labels; 0 if there are none."""
    known = ~labels.isnan()
    total = F.binary_cross_entropy_with_logits(logits[known], labels[known], reduction="sum")
    return total / known.sum().clamp(min=1)


@torch.no_grad()
def _logits(judge: Judge, images: Tensor, device: torch.device | str) -> Tensor:
    judge.eval()
    return torch.cat([judge(chunk.to(device).float() / 255).cpu() for chunk in torch.split(images, 512)])


def _accuracy(logits: Tensor, labels: Tensor) -> list[float | None]:
    """Accuracy per attribute over the known labels; None if there are none."""
    known = ~labels.isnan()
    right = (((logits > 0) == labels.bool()) & known).sum(0).tolist()
    return [hits / n if n else None for hits, n in zip(right, known.sum(0).tolist(), strict=True)]
