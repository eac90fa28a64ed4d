"""Rewrites the command line before Hydra reads it: paths are taken literally, and quoting mistakes are explained."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.errors import HydraException
from omegaconf import DictConfig, Node

from facet.errors import UserError

# Keys whose value is a path, in any node. Their values are taken literally.
PATHS = frozenset(
    {
        "runs",
        "run_dir",
        "run",
        "reports",
        "root",
        "labels",
        "store",
        "initial",
        "default_root_dir",
        "dirpath",
        "out",
        "image",
        "wasm",
    }
)
SETTING = re.compile(r"(?P<key>\+{0,2}[\w./@-]+)=(?P<value>.*)", re.DOTALL)
BETWEEN_COMMAS = re.compile(r"""(?:'[^']*'|"[^"]*"|[^,])+""")


def readable(arguments: Sequence[str], sweep: bool = False) -> list[str]:
    """Rewrite arguments so that Hydra reads paths literally.

    ``~`` and ``~user`` at the start of a value are expanded to home directories. The value of a path may contain any
    character; in a sweep, commas separate several paths.

    Args:
        arguments: the command's arguments as the shell passes them, or overrides.
        sweep: whether a key may have several values (``-m``).

    Raises:
        UserError: ``~user`` names an unknown user.
    """
    return [_readable(argument, sweep) for argument in arguments]


def _readable(argument: str, sweep: bool) -> str:
    setting = SETTING.fullmatch(argument)
    if not setting:
        return argument
    key, value = setting["key"], setting["value"]
    if not is_path(key) and not value.startswith("~"):
        return argument
    override = parsed(argument)
    if override is None or override.is_sweep_override():
        parts = BETWEEN_COMMAS.findall(value) if sweep and "," in value else []
        if parts:
            return f"{key}={','.join(_readable(f'{key}={part}', False).removeprefix(f'{key}=') for part in parts)}"
        return argument if override and sweep else f"{key}={quoted(at_home(value))}"
    read = override.value()
    if read is None or (isinstance(read, str) and not read.startswith("~")):
        return argument
    return f"{key}={quoted(at_home(read if isinstance(read, str) else value))}"


def is_path(key: str) -> bool:
    """Whether a key's value is a path."""
    return key.lstrip("+").rsplit(".", 1)[-1] in PATHS


def at_home(path: str) -> str:
    """A path with ``~`` or ``~user`` expanded.

    Raises:
        UserError: the user is unknown.
    """
    try:
        return str(Path(path).expanduser()) if path.startswith("~") else path
    except RuntimeError as error:
        raise UserError(f"{path}: there is no home directory of {path.split('/')[0]}") from error


def expand_homes(node: DictConfig) -> None:
    """Expand ``~`` in the paths of a composed config, in place; :func:`readable` doesn't see paths set in files."""
    for key in map(str, node):
        value = node._get_node(key)
        if isinstance(value, DictConfig):
            if not (value._is_none() or value._is_missing() or value._is_interpolation()):
                expand_homes(value)
        elif is_path(key) and isinstance(value, Node) and str(value._value()).startswith("~"):
            node[key] = at_home(str(value._value()))


def quoted(text: str) -> str:
    """A text quoted for Hydra's grammar."""
    return QuotedString(text, Quote.single).with_quotes()


def parsed(argument: str) -> Override | None:
    """An argument as Hydra parses it; None if Hydra can't."""
    try:
        return OverridesParser.create().parse_override(argument)
    except HydraException:
        return None


def how_to_say(argument: str) -> str:
    """A one-line message for an argument that Hydra's grammar refuses: what is wrong, and how to write it."""
    setting = SETTING.fullmatch(argument)
    if not setting:
        return f"{argument}: write KEY=VALUE (with a space, in quotes: 'KEY=one two')"
    key, value = setting["key"], setting["value"]
    for opening, closing in ("[]", "{}"):
        if value.startswith(opening) and not value.endswith(closing):
            whole = f"{key}={value.rstrip(', ')}, …{closing}"
            return f"{argument}: {opening} without {closing}; with spaces, quote the whole argument: '{whole}'"
    if value.startswith("[") and (elements := BETWEEN_COMMAS.findall(value[1:-1])):
        value = ",".join(_element(element.strip()) for element in elements)
        suggestion = f"{key}=[{value}]"
    else:
        suggestion = f"{key}={_element(value)}"
    if parsed(suggestion) is None:
        return f"{argument}: this can't be read (https://hydra.cc/docs/advanced/override_grammar/basic)"
    return f"{argument}: it has characters that need quotes: {shlex.quote(suggestion)}"


def _element(text: str) -> str:
    """A text in double quotes if it needs quotes, unchanged otherwise. The whole argument can then be single-quoted."""
    return text if parsed(f"key={text}") else QuotedString(text, Quote.double).with_quotes()
