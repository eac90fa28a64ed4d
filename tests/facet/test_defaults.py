"""A value has one place: the defaults of a method's classes are those of its config, which are the preset paper's."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from hydra.utils import get_object
from omegaconf import OmegaConf

from facet.configuration import compose_config, config_directory

CONF = config_directory()
MODELS = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))
OWN = {
    "jacsup_digits": "experiment=jacsup/chain",
    "jacsup_faces": "experiment=jacsup/faces/student",
}


def model(name: str, resolve: bool) -> dict[str, Any]:
    config = compose_config("train", [*([OWN[name]] if name in OWN else []), f"model={name}", "preset=paper"])
    found = OmegaConf.to_container(config if not resolve else config.model, resolve=resolve)
    assert isinstance(found, dict)
    return found if resolve else found["model"]


def leaves(node: dict[Any, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in node.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def places() -> dict[tuple[str, str], list[Any]]:
    """What every parameter of every class of ours is given wherever ``conf/model`` names the class."""
    given: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for name in MODELS:
        raw, resolved = dict(leaves(model(name, False))), dict(leaves(model(name, True)))
        for path, value in resolved.items():
            target = resolved.get((*path[:-1], "_target_"), "torch")
            if path[-1] == "_target_" or target.startswith("torch"):
                continue
            of_data = str(raw.get(path, "")).startswith(("${data.", "${count:", "${attributes}"))
            given[target, path[-1]].append(... if of_data else value)
    return given


def test_class_defaults_are_those_of_the_config() -> None:
    """Wherever all that names a class gives a parameter the same value, that is the class's default, too."""
    seen = 0
    for (target, name), values in places().items():
        default = inspect.signature(get_object(target)).parameters[name].default
        if default is inspect.Parameter.empty or any(value is ... or value != values[0] for value in values):
            continue
        default = list(default) if isinstance(default, tuple) else default
        assert default == values[0], f"{target}({name}={default}), but conf/model gives it {values[0]}"
        seen += 1
    assert seen > 80


@pytest.mark.parametrize("name", MODELS)
def test_every_argument_of_a_method_can_be_said_on_the_command_line(name: str) -> None:
    found = model(name, True)
    assert set(found) - {"_target_"} == set(inspect.signature(get_object(found["_target_"])).parameters)


@pytest.mark.parametrize("name", MODELS)
def test_no_preset_repeats_what_the_model_says(name: str) -> None:
    """But for a preset that builds on another one, and turns its values back."""
    said = dict(leaves(OmegaConf.to_container(OmegaConf.load(CONF / "model" / f"{name}.yaml"))))  # type: ignore[arg-type]
    for path in (CONF / "settings" / name).glob("*.yaml"):
        preset: Any = OmegaConf.to_container(OmegaConf.load(path))
        if any(f"{name}/" in base for base in preset.get("defaults", [])):
            continue
        twice = [".".join(key) for key, value in leaves(preset.get("model", {})) if (key, value) in said.items()]
        assert not twice, f"{path.relative_to(CONF)}: {twice}"
