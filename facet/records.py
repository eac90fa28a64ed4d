"""What stands in a run directory, read as plain data: it may be somebody else's, and nothing in it is believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from facet.configuration import register_resolvers
from facet.errors import UserError
from facet.identity import OF_THE_MACHINE

LARGEST = 2**20  # bytes of a config: ours have five thousand
DEEPEST = 30  # levels


class _Node(BaseModel):
    """What something is made of, whatever its arguments."""

    model_config = ConfigDict(extra="allow", strict=True)
    target: str = Field(alias="_target_")


class _Config(BaseModel):
    """As much of a config as is read without being checked against a constructor."""

    model_config = ConfigDict(extra="allow", strict=True)
    name: str
    seed: int = Field(ge=0, lt=2**32)
    preset: str
    ablation: str
    attributes: list[str] | None = None
    data: _Node
    model: _Node
    trainer: dict[str, Any]
    callbacks: dict[str, Any]
    logger: dict[str, Any] | None = None


def read_config(file: Path) -> DictConfig:
    """A stored config: plain values, but for what each machine resolves for itself.

    Raises:
        UserError: it isn't what a training writes.
    """
    try:
        if file.stat().st_size > LARGEST:
            raise UserError(f"{file} can't be used: it is larger than any config ({LARGEST:,} bytes)")
        text = file.read_text("utf-8")
        _refuse_odd(text)
        config = OmegaConf.create(text)
        _Config.model_validate(OmegaConf.to_container(config))
    except UserError:
        raise
    except ValidationError as error:
        told = error.errors()[0]
        where = ".".join(map(str, told["loc"]))
        raise UserError(f"{file} can't be used: {where}: {told['msg']}") from error
    except Exception as error:  # whatever reading a damaged file comes to
        raise UserError(f"{file} can't be used: {' '.join(str(error).split())[:200]}") from error
    register_resolvers()  # of what each machine resolves for itself
    assert isinstance(config, DictConfig)
    return config


def _refuse_odd(text: str) -> None:
    """Refuse what no training writes: references, which may grow without end, tags, interpolations, which may read the
    environment, and levels without end.

    Raises:
        ValueError: with the line.
    """
    level = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = f"line {event.start_mark.line + 1}: " if event.start_mark else ""
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ValueError(f"{line}a reference (& or *), where plain values have to be")
        if getattr(event, "tag", None):
            raise ValueError(f"{line}a tag ({event.tag}), where plain values have to be")
        if isinstance(event, yaml.ScalarEvent) and "${" in event.value and event.value != OF_THE_MACHINE:
            raise ValueError(f"{line}an interpolation ({event.value[:40]}), where plain values have to be")
        level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if level > DEEPEST:
            raise ValueError(f"{line}more than {DEEPEST} levels")
