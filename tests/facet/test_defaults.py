"""A value has one place: files say what differs from the constructors' defaults, and presets what differs from that."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from facet import presets
from facet.completion import complete, is_plain, plain
from facet.configuration import check, choices, compose_config, config_directory
from facet.signatures import signature

CONF = config_directory()
FILES = sorted(file for file in CONF.rglob("*.yaml") if not {"page", "table"} & set(file.relative_to(CONF).parts))
MODELS = choices("model")
Path_ = tuple[str, ...]


def read(file: Path) -> dict[str, Any]:
    found: Any = OmegaConf.to_container(OmegaConf.load(file))
    return found or {}


def leaves(node: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from leaves(value, (*path, str(key)))
    else:
        yield path, node


def places(node: Any, path: Path_ = ()) -> Iterator[tuple[Path_, dict[str, Any]]]:
    """Every node that makes something."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield path, node
        for key, value in node.items():
            yield from places(value, (*path, str(key)))


def is_read(key: str) -> bool:
    """Whether another value is said by this one."""
    return any(re.search(rf"\$\{{{re.escape(key)}\}}|around:{re.escape(key)}\}}", file.read_text()) for file in FILES)


def of_the_whole(file: Path, path: Path_) -> str:
    """A key of a file as a composed config has it."""
    text = file.read_text("utf-8")
    own = () if "@package _global_" in text or file.parent == CONF else (file.relative_to(CONF).parts[0],)
    return ".".join((*own, *path))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CONF)))
def test_no_file_repeats_a_default(file: Path) -> None:
    """But for what other values are said by, which Hydra has to find, and learning rates, which one looks for."""
    twice = []
    for path, node in places({key: value for key, value in read(file).items() if key != "preset"}):
        parameters = signature(node["_target_"])
        for key, value in node.items():
            known = key in parameters and is_plain(parameters[key].default)
            known = known and not (key == "lr" and node["_target_"].startswith("torch."))
            if known and plain(parameters[key].default) == value and not is_read(of_the_whole(file, (*path, key))):
                twice.append(".".join((*path, key)))
    assert not twice


@pytest.mark.parametrize("model", MODELS)
def test_no_preset_repeats_what_the_model_says(model: str) -> None:
    presets.register(CONF)
    said = read(CONF / "model" / f"{model}.yaml")
    bases = [read(CONF / f"{base.strip('/')}.yaml") for base in said.get("defaults", []) if isinstance(base, str)]
    for preset in {name for each in (*bases, said) for name in each.get("preset", {})}:
        below = OmegaConf.create({})
        for each in (*bases, said):
            below.merge_with({key: value for key, value in each.items() if key not in ("preset", "defaults")})
        # a derived preset changes what its base says, so it may return to what the model says
        for section in (
            each.get("preset", {}).get(name, {}) for name in presets.line(preset) for each in (*bases, said)
        ):
            plainly: Any = OmegaConf.to_container(below)
            twice = [".".join(path) for path, value in leaves(section) if dict(leaves(plainly)).get(path, ...) == value]
            assert not twice, (model, preset)
            below.merge_with(section)


@pytest.mark.parametrize("model", MODELS)
def test_every_argument_of_a_method_can_be_said_on_the_command_line(model: str) -> None:
    """Those that stand in no file, too; and a composed config has them all."""
    composed = compose_config("train", [f"model={model}", "preset=paper"])
    target = composed.model._target_
    parameters = inspect.signature(get_object(target)).parameters
    assert set(composed.model) - {"_target_"} == set(parameters)
    for key, parameter in parameters.items():
        if isinstance(parameter.default, bool | int | float | str):
            said = f"model.{key}={parameter.default}"
            check(compose_config("train", [f"model={model}", "preset=paper", said]), "train", {}, [said])


def settings(*said: str) -> Any:
    return OmegaConf.to_container(compose_config("train", list(said)), resolve=True)


def test_groups_of_settings_are_said_without_their_class() -> None:
    config = compose_config("train", ["preset=paper", "model.gan.form=nonsaturating"])
    check(config)
    assert config.model.gan._target_ == "aif.adversaries.GANTerm"
    assert config.model.gan.discriminator_factor == pytest.approx(1 / 3)
    assert settings("preset=paper", "model.gan=null") == settings("preset=paper")


def test_completing_twice_changes_nothing() -> None:
    for model in MODELS:
        config = compose_config("train", [f"model={model}"])
        before = OmegaConf.to_container(config, resolve=False)
        complete(config)
        assert OmegaConf.to_container(config, resolve=False) == before


def test_what_is_no_plain_value_is_left_to_the_constructor() -> None:
    config = OmegaConf.create({"made": {"_target_": "facet.measures.intervals.nothing"}, "other": {"_target_": "x.Y"}})
    assert isinstance(config, DictConfig)
    complete(config)
    assert config == {"made": {"_target_": "facet.measures.intervals.nothing"}, "other": {"_target_": "x.Y"}}
