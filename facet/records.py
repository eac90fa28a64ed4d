"""Reads the files of a run directory as plain data. They may be somebody else's, so everything is validated."""

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
LARGEST_CONFIG, LARGEST = 2**20, 2**26  # bytes; ours have about 5,000, and a few million at most
DEEPEST = 30  # levels of nesting in a config


def read_config(file: Path) -> DictConfig:
    """Read a stored config: plain values, except for a precision that each machine resolves for itself.

    Raises:
        UserError: no training writes such a file.
    """
    register_resolvers()  # for the precision
    config = _read(file, LARGEST_CONFIG, _parsed, Config)
    assert isinstance(config, DictConfig)
    return config


def read_status(file: Path) -> dict[str, Any]:
    """Read ``status.json``; empty if there is none.

    Raises:
        UserError: no training writes such a file.
    """
    return _read(file, LARGEST, _object, Status) if file.exists() else {}


def read_results(file: Path) -> dict[str, Any]:
    """Read ``results.json``; empty if there is none.

    Raises:
        UserError: no evaluation writes such a file, or it has another schema.
    """
    return _read(file, LARGEST, _of_this_schema, Results) if file.exists() else {}


def known(read: Callable[[Path], dict[str, Any]], file: Path) -> dict[str, Any]:
    """A file's content; empty if it can't be used, for callers that can do without it."""
    try:
        return read(file)
    except UserError:
        return {}


def _read(file: Path, largest: int, parse: Callable[[str], Any], schema: type[BaseModel]) -> Any:
    """Read, parse and validate a file.

    Raises:
        UserError: the file is invalid; the message is one line and names the problem and its place.
    """
    try:
        if not file.is_file():
            raise ValueError("it isn't a file")
        if (size := file.stat().st_size) > largest:
            raise ValueError(f"it has {size:,} bytes, more than the {largest:,} that such a file may have")
        content = parse(file.read_text("utf-8"))
        schema.model_validate(OmegaConf.to_container(content) if isinstance(content, DictConfig) else content)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise UserError(f"{file} can't be used: {where[:100]}: {problem['msg']}") from error
    except Exception as error:  # reading a damaged file may raise anything
        raise UserError(f"{file} can't be used: {' '.join(str(error).split())[:200]}") from error
    return content


def _parsed(text: str) -> Any:
    _refuse_odd(text)
    return OmegaConf.create(text)


def _object(text: str) -> dict[str, Any]:
    """Parse a JSON object; NaN and infinity become None."""
    content = json.loads(text, parse_constant=lambda _: None, object_pairs_hook=_unique)
    if not isinstance(content, dict):
        raise ValueError("it isn't a JSON object")
    json.dumps(content, ensure_ascii=False).encode()  # refuses unpaired surrogates: no page could be written with them
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(content := dict(pairs)) < len(pairs):
        raise ValueError("an object has a key twice")
    return content


def _of_this_schema(text: str) -> dict[str, Any]:
    content = _object(text)
    if (schema := content.get("schema")) != RESULTS_SCHEMA:
        raise ValueError(f"it has schema {schema!r}, and this version reads {RESULTS_SCHEMA}: evaluate the run again")
    return content


def _refuse_odd(text: str) -> None:
    """Refuse YAML that no training writes: references, tags, interpolations and deep nesting.

    References can expand without limit, and interpolations can read the environment.

    Raises:
        ValueError: the message names the line.
    """
    level = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = f"line {event.start_mark.line + 1}: " if event.start_mark else ""
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ValueError(f"{line}a reference (& or *): only plain values are allowed")
        if getattr(event, "tag", None):
            raise ValueError(f"{line}a tag ({event.tag}): only plain values are allowed")
        if isinstance(event, yaml.ScalarEvent) and "${" in event.value and event.value != OF_THE_MACHINE:
            raise ValueError(f"{line}an interpolation ({event.value[:40]}): only plain values are allowed")
        level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if level > DEEPEST:
            raise ValueError(f"{line}more than {DEEPEST} levels")
