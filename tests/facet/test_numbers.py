"""Numbers that make no sense are refused by the constructors in one line that names the key, all of every method."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from facet.build import make
from facet.configuration import check, compose_config
from facet.errors import UserError

METHODS = {
    "ifcvae_gan": ["ablation=strong_auxiliary", "networks.width=8"],
    "ifcvae_gan that erases": ["ablation=erasure", "networks.width=8"],
    "icgan": ["model=icgan", "networks.width=8"],
    "cvae_gan": ["model=cvae_gan", "networks.width=8"],
    "fader": ["model=fader", "networks.latent_dim=4", "networks.width=8"],
    "vae": ["model=vae", "networks.width=8"],
    "classifier": ["model=classifier"],
    "jacsup_digits": ["model=jacsup_digits"],
    "jacsup_faces": ["model=jacsup_faces", "networks.width=8"],
}
SIZES = ["width", "latent_dim", "latent_channels", "latent_width", "outputs", "resolution", "channels"]
SIZES += [
    "max_latent_channels",
    "max_units",
    "size",
    "rounds",
    "images",
    "units",
    "units_per_growth",
    "epochs",
    "faces",
    "batch_size",
    "max_width",
    "steps",
]
SIZES += ["gradient_clip", "penalty_every", "discriminator_factor"]
ANY = {"max_log_variance"}  # log σ² may be cut off anywhere


def numbers(node: DictConfig, path: str) -> Iterator[tuple[str, str]]:
    """The path and the name of every number in a config, those of lists left out."""
    for key, value in node.items():
        if isinstance(value, DictConfig):
            yield from numbers(value, f"{path}.{key}")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{path}.{key}", str(key)


def built(config: DictConfig, path: str, value: float) -> Any:
    """The model and the callbacks with one number changed, the optimisers made too."""
    config = copy.deepcopy(config)
    OmegaConf.update(config, path, value)
    check(config)
    callbacks = [make(node) for node in config.callbacks.values() if node is not None]
    model = make(config.model)
    try:
        return model.configure_optimizers(), callbacks
    except ValueError as error:
        raise UserError(str(error)) from error


@pytest.mark.parametrize("method", METHODS)
def test_every_number_of_every_method(method: str) -> None:
    config = compose_config("train", METHODS[method])
    accepted = []
    for path, name in (found for group in ("model", "callbacks") for found in numbers(config[group], group)):
        for value in {-1, 0} if name in SIZES else {-1} if name not in ANY else set():
            try:
                built(config, path, value)
            except UserError as error:
                said = str(error)
                assert "\n" not in said
                assert name in said or "learning rate" in said, (path, said)
            else:
                accepted.append(f"{path}={value}")
    assert not accepted


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("networks.width=0", "model.encoder.width=0: it must be at least 1"),
        ("networks.width=-4", "model.encoder.width=-4: it must be at least 1"),
        ("model.weights.kl=nan", "model.weights.kl=nan: it must be a number, 0 or more"),
        ("model.weights.kl=inf", "model.weights.kl=inf: it must be a number, 0 or more"),
        ("model.gradient_clip=0", "model.gradient_clip=0: it must be above 0"),
    ],
)
def test_the_key_is_named(override: str, said: str) -> None:
    with pytest.raises(UserError) as refused:
        make(compose_config("train", [override]).model)
    assert str(refused.value) == said
