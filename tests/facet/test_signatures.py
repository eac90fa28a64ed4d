"""Signatures read from source say what the imported things say."""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from typing import Any, get_args

import pytest
from hydra.utils import get_object
from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError

from facet.completion import is_plain
from facet.configuration import _adapter, config_directory
from facet.signatures import _read, imported, signature
from facet.source import UnclearError

CONFIGS = "\n".join(file.read_text("utf-8") for file in config_directory().rglob("*.yaml"))
CALLED = sorted(set(re.findall(r"_target_: (\S+)", CONFIGS)))
OTHERS = [
    *("torch.optim.AdamW", "torch.optim.SGD", "pytorch_lightning.callbacks.ModelCheckpoint"),
    *("pytorch_lightning.callbacks.LearningRateMonitor", "facet.bench_steps.bench_steps"),
    "datamodules.comparison.torchvision_celeba",
]
VALUES = (
    "null",
    "true",
    "1",
    "0",
    "-1",
    "1.5",
    '"x"',
    '"sum"',
    '"auto"',
    "[]",
    "[1]",
    "[1, 2]",
    '["a"]',
    "{}",
    '{"a": 1}',
)


def accepted(annotation: Any) -> list[str]:
    """Which of some values a type takes, as configs are checked."""
    try:
        adapter: TypeAdapter[Any] = _adapter(annotation)
    except (PydanticSchemaGenerationError, TypeError):
        return ["anything"]

    def takes(value: str) -> bool:
        try:
            adapter.validate_json(value, strict=True)
        except ValidationError:
            return False
        return True

    return [value for value in VALUES if takes(value)]


@pytest.mark.parametrize("target", [*CALLED, *OTHERS])
def test_source_says_what_importing_says(target: str) -> None:
    read, real = _read(target), imported(get_object(target))
    assert list(read) == list(real)
    for name, parameter in real.items():
        assert read[name].kind == parameter.kind, name
        assert (read[name].default is parameter.empty) == (parameter.default is parameter.empty), name
        if is_plain(parameter.default):
            assert read[name].default == parameter.default, name
        if not any(map(is_dataclass, (parameter.annotation, *get_args(parameter.annotation)))):  # made, never plain
            assert accepted(read[name].annotation) == accepted(parameter.annotation), name


def test_what_source_cannot_tell_is_imported() -> None:
    with pytest.raises(UnclearError):
        _read("torch.nn.Linear")  # by a star
    assert list(signature("torch.nn.Linear"))[:2] == ["in_features", "out_features"]


NOWHERE = ["aif.ifcvae_gan.Nothing", "aif.nowhere.Nothing", "nowhere.Nothing", "torch.optim.Adamm"]


@pytest.mark.parametrize("target", NOWHERE)
def test_what_is_not_there(target: str) -> None:
    with pytest.raises(LookupError):
        signature(target)
