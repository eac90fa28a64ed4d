"""Random state: a step's random numbers depend only on the seed and on the steps before."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer


class RandomState(Callback):
    """Saves the random generators of Python, NumPy and torch with every checkpoint, and restores them on resuming.

    Lightning's checkpoints hold no random state, so a resumed run would differ from an uninterrupted one. Each process
    has its own state; a process that did not exist before gets a new one. Validations, and other callbacks during them,
    use the same generators. They are seeded at the start of a validation, so that every validation draws the same
    numbers, and restored at its end, so that validations do not change the training. The order of the data depends on
    seed and epoch alone and needs no state.
    """

    def __init__(self) -> None:
        self._restored: list[dict[str, Any]] = []  # states of all processes, until the training starts
        self._training: dict[str, Any] | None = None  # the training's state, during a validation

    def state_dict(self) -> dict[str, Any]:
        state = self._training or _state()
        if not torch.distributed.is_initialized():
            return {"processes": [state]}
        of_all: list[Any] = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(of_all, state)  # called in all processes; the first writes the checkpoint
        return {"processes": of_all}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._restored = state_dict.get("processes", [state_dict])  # old checkpoints hold the first process's state

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        states, self._restored = self._restored, []
        if trainer.global_rank < len(states):
            _restore(states[trainer.global_rank])
        elif states:  # the checkpoint is from fewer processes
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
    """The state of all generators, as values that a checkpoint can hold."""
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (kind, torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, gauss),
        "torch": torch.get_rng_state(),
        # Only of the run's own device: a resumed run may see more or fewer devices.
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
