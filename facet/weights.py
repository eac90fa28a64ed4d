"""Writes ``weights.safetensors``: a trained model in one file of numbers and text, without code.

The tensors are the module's state; if the run averages weights, the averaged ones. The header holds, under ``facet`` as
JSON, what is needed to rebuild the module:

- ``format``: the version of this format;
- ``model``: the module's config, as plain values;
- ``state``: the entries of the module's state that aren't tensors;
- ``checkpoint``: what the module adds to its checkpoints;
- ``data``: the data set, its ``attributes``, ``resolution`` and ``channels``, and how it was cropped (``crop``);
- ``follows``: what other attributes become with an attribute (:func:`follows_of`);
- ``name``, ``seed``, ``data_fingerprint``, ``revision``: of the run;
- ``left_out``, in a file that :func:`slim` made: the parts of the module that aren't there.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from pytorch_lightning import LightningModule
from safetensors import safe_open
from safetensors.torch import load, save
from torch import Tensor

from facet.errors import UserError
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
    """Write the model of a run's last checkpoint, atomically.

    Args:
        path: the file to write.
        model: the trained module. It is asked only what it adds to checkpoints; the weights come from ``saved``.
        saved: the content of the checkpoint.
        config: the run's config.
        data: the run's data module.
        known: the run's ``revision`` and ``data_fingerprint``.

    Raises:
        TypeError: the module adds something to its checkpoints that JSON can't hold.
    """
    state = saved["state_dict"]
    added: dict[str, Any] = {"state_dict": state}
    model.on_save_checkpoint(added)
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    description = {
        "format": FORMAT,
        "model": resolved(config)["model"],
        "state": {name: value for name, value in state.items() if name not in tensors},
        "checkpoint": {name: saved[name] for name in added if name != "state_dict"},
        "attributes": list(getattr(model, "attribute_names", ())),
        "resolution": data.resolution,
        "channels": data.channels,
        "data": config.data._target_.split(".")[-2],
        "crop": getattr(data, "crop", "none"),
        "follows": follows_of(data),
        "name": config.name,
        "seed": config.seed,
        "data_fingerprint": known["data_fingerprint"],
        "revision": known["revision"],
    }
    header = {"format": "pt", "facet": json.dumps(description)}
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}  # none shares memory
    atomic_write(path, lambda file: file.write(save(plain, header)))


def slim(path: Path, parts: Collection[str]) -> bytes:
    """A file of weights without some parts of its module, in half precision, as the content of a file.

    Args:
        path: a file that :func:`write_weights` wrote.
        parts: names of parts that aren't needed (:class:`facet.protocols.TrainedBeside`).

    Raises:
        UserError: a number is too large for half precision.
    """
    with safe_open(path, "pt") as file:
        description = json.loads(file.metadata()["facet"])
    tensors = {name: value for name, value in load(path.read_bytes()).items() if name.split(".")[0] not in parts}
    halved = {name: halve(value) for name, value in tensors.items()}
    for name, value in halved.items():
        if value.isinf().any() and not tensors[name].isinf().any():
            raise UserError(f"{path}: {name} has numbers that are too large for half precision")
    description["state"] = {key: value for key, value in description["state"].items() if key.split(".")[0] not in parts}
    return save(halved, {"format": "pt", "facet": json.dumps({**description, "left_out": sorted(parts)})})


def halve(values: Tensor) -> Tensor:
    """Real numbers in half precision; whole numbers as they are."""
    return values.half() if values.is_floating_point() else values


def follows_of(data: Any) -> dict[str, tuple[dict[str, bool], dict[str, bool]]]:
    """A data set's rules on attributes that change together, as plain values.

    For each attribute that has such rules: the values of others where it is absent, and where it is present.
    """
    names = getattr(data, "attribute_names", ())
    rules = {name: (dict(data.implied(name, False)), dict(data.implied(name, True))) for name in names}
    return {name: both for name, both in rules.items() if any(both)}


def beside(weights: Path, data: str, name: str) -> Path | None:
    """A file that lies beside weights, or in the folder that models of the same data share (``to=package``); or None.

    Args:
        weights: the file of a model.
        data: the model's data set.
        name: of the file.
    """
    places = [weights.parent / name]
    if data.isidentifier():  # the header of a file is anybody's
        places.append(weights.parent.parent / data / name)
    return next((place for place in places if place.is_file()), None)
