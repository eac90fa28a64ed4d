"""A run is rehearsed before anything is drawn: what doesn't fit together is one line, and the run isn't changed."""

from __future__ import annotations

import contextlib
import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from tiny import STAGED, TINY, tiny

from facet import build as building
from facet.build import make
from facet.configuration import check, compose_config
from facet.errors import UserError
from facet.rehearsal import rehearse
from facet.runs import Run
from facet.train import train

DIGITS = ("model=jacsup_digits", "logger=csv", "callbacks.progress=null", "callbacks.growth.max_units=4")
METHODS = {
    "ours": [*TINY, "ablation=strong_auxiliary"],
    "ours, residual": ["networks.kind=residual", "ablation=erasure", *TINY],
    "icgan": ["model=icgan", *TINY],
    "cvae_gan": ["model=cvae_gan", "networks.kind=residual", *TINY],
    "fader": ["model=fader", "networks.kind=residual", *TINY, "networks.latent_dim=null"],
    "dip_vae": ["experiment=aif/dip_vae", *TINY],
    "digits": list(DIGITS),
    "faces": ["model=jacsup_faces", *STAGED],
}
NEIGHBOURS = {"latent_dim", "latent_channels", "latent_width", "resolution", "channels", "attributes", "outputs"}


def sizes(node: DictConfig, path: str = "model") -> Iterator[tuple[str, int]]:
    """Every size that another part, or the data, has to fit."""
    for key, value in node.items():
        if isinstance(value, DictConfig):
            yield from sizes(value, f"{path}.{key}")
        elif key in NEIGHBOURS and value:
            yield f"{path}.{key}", value


def rehearsed(config: DictConfig) -> set[str]:
    callbacks = [make(node) for node in config.callbacks.values() if node is not None]
    return rehearse(make(config.model), make(config.data), callbacks)


@pytest.mark.parametrize("method", METHODS)
def test_every_size_that_does_not_fit_its_neighbour(method: str) -> None:
    config = compose_config("train", METHODS[method])
    assert {"train/reconstruction", "val/mse"} & rehearsed(config), "as it is, it fits"
    fits = []
    for path, size in sizes(config.model):
        if (method, path) == ("fader", "model.encoder.resolution"):
            continue  # of use for its check alone: the encoder is convolutions
        wrong = copy.deepcopy(config)
        OmegaConf.update(wrong, path, 2 * size)
        with contextlib.suppress(UserError):
            rehearsed(wrong)
            fits.append(path)
    assert not fits


@pytest.mark.parametrize(
    ("method", "override", "said"),
    [
        ("ours", "model.encoder.latent_dim=7", "in model.decoder.project.0: "),
        ("ours, residual", "model.erasure.latent_dim=7", "the networks don't fit together, or not images of 3×16×16"),
        ("digits", "model.network.shape=[1,28,30]", "images of 1×28×28 with 0 attributes: in model.network.trunk.0"),
        ("faces", "model.network.channels=1", "in model.network.encoder.trunk.0"),
        ("ours", "trainer.gradient_clip_val=2", "this method does its own optimiser steps: set model.gradient_clip=2"),
        ("icgan", "trainer.gradient_clip_val=2", "this method does its own optimiser steps and doesn't clip gradients"),
        ("ours", "trainer.accumulate_grad_batches=4", "for a batch of this size set data.batch_size=64"),
        (
            "digits",
            "callbacks.growth.monitor=val/mes",
            "callbacks.growth.monitor=val/mes: no such metric is logged",
        ),
        (
            "ours",
            "objective=[val/edit_of]",
            "objective=val/edit_of: no such metric is logged; nearest: val/edit_o",
        ),
    ],
)
def test_it_is_told_in_one_line_before_anything_is_drawn(method: str, override: str, said: str, tmp_path: Path) -> None:
    where = f"data.{'store' if method == 'digits' else 'root'}={tmp_path / 'data'}"
    config = compose_config("train", [*METHODS[method], where, f"runs={tmp_path / 'runs'}", override])
    check(config)
    with pytest.raises(UserError) as refused:
        train(config)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("monitor", ["val/mse", "val/edit_on", "val/edits", "val/mes"])
def test_what_is_watched_is_logged(monitor: str, tmp_path: Path) -> None:
    stopping = f"{{_target_: pytorch_lightning.callbacks.EarlyStopping, monitor: {monitor}}}"
    config = tiny(tmp_path, f"callbacks.stopping={stopping}", "attributes=[Smiling,Eyeglasses]", "trainer.max_epochs=1")
    if monitor == "val/mes":
        with pytest.raises(UserError, match=r"callbacks.stopping.monitor=val/mes: no such metric is logged"):
            train(config)
    else:
        assert monitor in Run(train(config)).metrics()


def test_a_rehearsal_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the generators nor in the run: it is, bit for bit, what it is without."""

    def state() -> list[Any]:
        return [random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()]

    config = compose_config("train", METHODS["faces"])
    model, data, growth = make(config.model), make(config.data), make(config.callbacks.growth)
    before = state()
    rehearse(model, data, [growth])
    assert state() == before
    runs = [tiny(tmp_path, "trainer.max_epochs=1", f"run_dir={tmp_path / name}") for name in ("with", "without")]
    kept = torch.load(Run(train(runs[0])).checkpoint, weights_only=True)["state_dict"]
    monkeypatch.setattr(building, "rehearse", lambda *_: {"val/mse"})
    alone = torch.load(Run(train(runs[1])).checkpoint, weights_only=True)["state_dict"]
    assert all(torch.equal(value, alone[name]) for name, value in kept.items())


def test_both_ends_of_a_run_and_every_kind_of_stage_are_rehearsed() -> None:
    assert {"train/gan", "train/latent"} <= rehearsed(compose_config("train", METHODS["icgan"]))
    logged = rehearsed(compose_config("train", METHODS["faces"]))
    assert {"train/cycle_attributes", "train/difference", "val/difference"} <= logged
    assert "train/difference" in rehearsed(compose_config("train", METHODS["digits"]))


def test_padded_digits_fit() -> None:
    config = compose_config("train", [*DIGITS, "data.pad=true"])
    check(config)
    assert "val/mse" in rehearsed(config)
    assert make(config.model).network.shape == (1, 32, 32)
