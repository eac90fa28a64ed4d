"""What stands in a run directory, read as plain data: it may be somebody else's, and nothing in it is believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from pydantic import BaseModel, ValidationError

from facet.configuration import OF_THE_MACHINE
from facet.errors import UserError
from facet.resolvers import register_resolvers
from facet.schema import Config, Results, Status

RESULTS_SCHEMA = 2  # of results.json
LARGEST_CONFIG, LARGEST = 2**20, 2**26  # bytes; ours have five thousand, and a few million at most
DEEPEST = 30  # levels


def read_config(file: Path) -> DictConfig:
    """A stored config: plain values, but for what each machine resolves for itself.

    Raises:
        UserError: it isn't what a training writes.
    """
    register_resolvers()  # of what each machine resolves for itself
    config = _read(file, LARGEST_CONFIG, _parsed, Config)
    assert isinstance(config, DictConfig)
    return config


def read_status(file: Path) -> dict[str, Any]:
    """``status.json``; empty if there is none.

    Raises:
        UserError: it isn't what a training writes.
    """
    return _read(file, LARGEST, _object, Status) if file.exists() else {}


def read_results(file: Path) -> dict[str, Any]:
    """``results.json``; empty if there is none.

    Raises:
        UserError: it isn't what a judging writes, or is of another schema.
    """
    return _read(file, LARGEST, _of_this_schema, Results) if file.exists() else {}


def known(read: Callable[[Path], dict[str, Any]], file: Path) -> dict[str, Any]:
    """What a file says, for whoever goes on without it: empty where it can't be used, too."""
    try:
        return read(file)
    except UserError:
        return {}


def _read(file: Path, largest: int, parse: Callable[[str], Any], schema: type[BaseModel]) -> Any:
    """A file's content, as it was parsed, if it is what the schema says.

    Raises:
        UserError: in one line, what is wrong and where.
    """
    try:
        if not file.is_file():
            raise ValueError("it is no file")
        if (size := file.stat().st_size) > largest:
            raise ValueError(f"it has {size:,} bytes, and no such file of ours has more than {largest:,}")
        content = parse(file.read_text("utf-8"))
        schema.model_validate(OmegaConf.to_container(content) if isinstance(content, DictConfig) else content)
    except ValidationError as error:
        told = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, told["loc"]))
        raise UserError(f"{file} can't be used: {where[:100]}: {told['msg']}") from error
    except Exception as error:  # whatever reading a damaged file comes to
        raise UserError(f"{file} can't be used: {' '.join(str(error).split())[:200]}") from error
    return content


def _parsed(text: str) -> Any:
    _refuse_odd(text)
    return OmegaConf.create(text)


def _object(text: str) -> dict[str, Any]:
    """An object of JSON; what is no number, or without end, is unknown."""
    found = json.loads(text, parse_constant=lambda _: None, object_pairs_hook=_once)
    if not isinstance(found, dict):
        raise ValueError("it holds no object")
    json.dumps(found, ensure_ascii=False).encode()  # half a character, which no page could be written with
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice in an object")
    return found


def _of_this_schema(text: str) -> dict[str, Any]:
    found = _object(text)
    if (schema := found.get("schema")) != RESULTS_SCHEMA:
        raise ValueError(f"it has schema {schema!r}, and this version reads {RESULTS_SCHEMA}: evaluate the run again")
    return found


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
