"""A trained model as one file that holds numbers and text, and nothing that could be run: ``weights.safetensors``.

Its tensors are the module's state, the averaged weights where a run averages. Its header says under ``facet``, as JSON,
what is needed to make the module again: ``format``; ``model``, the config of the module, of plain values; ``state``,
what of the module's state are no tensors; ``checkpoint``, what the module adds to its checkpoints; ``attributes``,
``resolution``, ``channels``; and of which run it is: ``name``, ``seed``, ``data_fingerprint``, ``revision``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from pytorch_lightning import LightningModule
from safetensors.torch import save
from torch import Tensor

from facet.files import atomic_write
from facet.identity import resolved

FORMAT = 1
NAME = "weights.safetensors"


def write_weights(
    path: Path,
    model: LightningModule,
    saved: Mapping[str, Any],
    config: DictConfig,
    data: Any,
    known: Mapping[str, Any],
) -> None:
    """Write a model as its last checkpoint holds it, atomically.

    Args:
        path: of the file.
        model: it says what it adds to checkpoints; where a run averages, its weights may be those before or after.
        saved: the checkpoint.
        config: the run's.
        data: what it was trained on.
        known: of the run: ``revision`` and ``data_fingerprint``.

    Raises:
        TypeError: a module that keeps something in its checkpoints that JSON can't hold.
    """
    state = saved["state_dict"]
    added: dict[str, Any] = {"state_dict": state}
    model.on_save_checkpoint(added)
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    told = {
        "format": FORMAT,
        "model": resolved(config)["model"],
        "state": {name: value for name, value in state.items() if name not in tensors},
        "checkpoint": {name: saved[name] for name in added if name != "state_dict"},
        "attributes": list(getattr(model, "attribute_names", ())),
        "resolution": data.resolution,
        "channels": data.channels,
        "name": config.name,
        "seed": config.seed,
        "data_fingerprint": known["data_fingerprint"],
        "revision": known["revision"],
    }
    header = {"format": "pt", "facet": json.dumps(told)}
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}  # none shares memory
    atomic_write(path, lambda file: file.write(save(plain, header)))
