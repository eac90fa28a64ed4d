"""Completion of the commands in a shell: groups and their choices, keys, pages, verbs, and paths.

Hydra says what a shell has to run (``facet-train -sc install=bash``). Its own suggestions don't fit our commands: it
offers every folder of ``conf/`` to every command, no choice in a folder (``experiment=aif/beta_vae``), and no page.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from facet import pages
from facet.command_line import is_path
from facet.configuration import choices, compose_config, config_directory
from facet.errors import UserError
from facet.primary import groups_of, settings_of, types


def asked() -> bool:
    """Whether a shell called this command to complete a line, or to learn how."""
    return bool({"-sc", "--shell-completion"} & set(sys.argv[1:]))


def answer(primary: str | Mapping[str, str]) -> None:
    """Print the suggestions for the line that the shell completes, and exit; do nothing if it asks for something else.

    Args:
        primary: the command's primary config, or by verb where the command has several.
    """
    if not any(word.startswith("query=") for word in sys.argv[1:]):
        return
    line = os.environ.get("COMP_LINE", "")[: int(os.environ.get("COMP_POINT") or 100_000)]
    print("\n".join(suggestions(primary, line)))
    sys.exit(0)


def suggestions(primary: str | Mapping[str, str], line: str) -> list[str]:
    """What the last word of a line may become; keys end in ``=`` or ``.``, directories in ``/``.

    Args:
        primary: as :func:`answer` takes it.
        line: the command line up to the cursor, beginning with the command.
    """
    *before, word = [*line.split(), ""] if not line or line[-1].isspace() else line.split()
    if not isinstance(primary, str):
        if len(before) < 2 or before[1] not in primary:
            return [verb for verb in primary if verb.startswith(word)] if len(before) == 1 else []
        primary = primary[before[1]]
    return sorted({each for each in _candidates(primary, before[1:], word) if each.startswith(word)})


def _candidates(primary: str, before: Sequence[str], word: str) -> Iterator[str]:
    groups = groups_of(primary, config_directory())
    key, equals, value = word.partition("=")
    if equals:
        yield from (f"{key}={choice}" for choice in choices(key) if key in groups)
        if is_path(key):
            yield from (f"{key}={path}" for path in _paths(value))
        return
    yield from (f"{group}=" for group in groups)
    if "pages" in types(settings_of(primary)):
        yield from pages.names()
    yield from _keys(primary, [each for each in before if each.partition("=")[0] in groups], word)


def _keys(primary: str, chosen: Sequence[str], word: str) -> Iterator[str]:
    """The keys beside the one that is typed, for the choices before it."""
    node: object = None
    with suppress(HydraException, OmegaConfBaseException, UserError, OSError):  # a mistake earlier in the line
        config = compose_config(primary, chosen)
        place = word.rpartition(".")[0]
        node = OmegaConf.select(config, place) if place else config
    if isinstance(node, DictConfig):
        for key in map(str, node):
            child = node._get_node(key)
            ending = "." if isinstance(child, DictConfig) and not child._is_none() else "="
            yield f"{place}.{key}{ending}" if place else f"{key}{ending}"


def _paths(begun: str) -> Iterator[str]:
    """The paths that begin so."""
    folder, _, name = begun.rpartition("/")
    with suppress(OSError, RuntimeError):
        place = Path(folder or ("/" if begun.startswith("/") else ".")).expanduser()
        for path in place.iterdir():
            if path.name.startswith(name) and (name or not path.name.startswith(".")) and " " not in path.name:
                yield f"{begun[: len(begun) - len(name)]}{path.name}{'/' if path.is_dir() else ''}"
