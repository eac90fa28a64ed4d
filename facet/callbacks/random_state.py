"""Random state: what a run draws in its steps hangs on nothing but its seed and the steps before."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer


class RandomState(Callback):
    """Saves the generators of Python, NumPy and torch with every checkpoint, and restores them on resuming.

    Lightning's checkpoints hold none, so a resumed run would differ from one that never stopped. Of several processes
    each has its own; one that wasn't there before gets noise of its own. A validation, with all
    that other callbacks do in it, draws from the same generators: it begins with the seed, so that one validation's
    noise is the other's, and leaves them as they were, so that training is the same however often, and by whatever, it
    is validated. The order of the data needs nothing here: it is a function of seed and epoch.
    """

    def __init__(self) -> None:
        self._restored: list[dict[str, Any]] = []  # of every process
        self._training: dict[str, Any] | None = None  # while there is a validation

    def state_dict(self) -> dict[str, Any]:
        state = self._training or _state()
        if not torch.distributed.is_initialized():
            return {"processes": [state]}
        of_all: list[Any] = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(of_all, state)  # all are asked, and the first one writes
        return {"processes": of_all}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._restored = state_dict.get("processes", [state_dict])  # before that it was the first one's

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        states, self._restored = self._restored, []
        if trainer.global_rank < len(states):
            _restore(states[trainer.global_rank])
        elif states:  # there were fewer processes
            torch.manual_seed(torch.initial_seed() + trainer.current_epoch)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._training = _state()
        seed = torch.initial_seed()
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._training is not None:
            _restore(self._training)
        self._training = None


def _state() -> dict[str, Any]:
    """Of all generators, as a checkpoint can hold it."""
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (kind, torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, gauss),
        "torch": torch.get_rng_state(),
        # of the run's own device alone: where it is resumed there may be others, or one alone to be seen
        "cuda": [torch.cuda.get_rng_state()] if torch.cuda.is_available() else [],
    }


def _restore(state: dict[str, Any]) -> None:
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"][0])
