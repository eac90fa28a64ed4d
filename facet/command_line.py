"""The command line before Hydra reads it: paths as people write them, and how to quote what its grammar refuses."""

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

# Keys whose value is a path, wherever they stand: what is said there is meant literally.
PATHS = frozenset(
    {"runs", "run_dir", "run", "reports", "root", "labels", "store", "initial", "default_root_dir", "dirpath"}
)
SETTING = re.compile(r"(?P<key>\+{0,2}[\w./@-]+)=(?P<value>.*)", re.DOTALL)
BETWEEN_COMMAS = re.compile(r"""(?:'[^']*'|"[^"]*"|[^,])+""")


def readable(arguments: Sequence[str], sweep: bool = False) -> list[str]:
    """Arguments that mean to Hydra what they mean to people.

    ``~`` and ``~user`` at the start of a value are home directories. The value of a path is taken as it is, whatever
    characters are in it; in a sweep, commas part several paths.

    Args:
        arguments: of a command, as the shell hands them over, or overrides.
        sweep: whether values may be several (``-m``).

    Raises:
        UserError: a home of somebody who isn't known here.
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
    found = override.value()
    if found is None or (isinstance(found, str) and not found.startswith("~")):
        return argument
    return f"{key}={quoted(at_home(found if isinstance(found, str) else value))}"


def is_path(key: str) -> bool:
    """Whether a key's value is a path."""
    return key.lstrip("+").rsplit(".", 1)[-1] in PATHS


def at_home(path: str) -> str:
    """A path with ``~`` or ``~user`` expanded.

    Raises:
        UserError: a user who isn't known here.
    """
    try:
        return str(Path(path).expanduser()) if path.startswith("~") else path
    except RuntimeError as error:
        raise UserError(f"{path}: there is no home directory of {path.split('/')[0]}") from error


def expand_homes(node: DictConfig) -> None:
    """Expand ``~`` in the paths of a composed config, in place: those that stand in files."""
    for key in map(str, node):
        value = node._get_node(key)
        if isinstance(value, DictConfig):
            if not (value._is_none() or value._is_missing() or value._is_interpolation()):
                expand_homes(value)
        elif is_path(key) and isinstance(value, Node) and str(value._value()).startswith("~"):
            node[key] = at_home(str(value._value()))


def quoted(text: str) -> str:
    """A text as Hydra's grammar has it."""
    return QuotedString(text, Quote.single).with_quotes()


def parsed(argument: str) -> Override | None:
    """An argument as Hydra understands it; None if it doesn't."""
    try:
        return OverridesParser.create().parse_override(argument)
    except HydraException:
        return None


def how_to_say(argument: str) -> str:
    """One line for an argument that Hydra's grammar refuses: what is wrong, and how to write it in a shell."""
    setting = SETTING.fullmatch(argument)
    if not setting:
        return f"{argument}: say KEY=VALUE (with a space in it, in quotes: 'KEY=one two')"
    key, value = setting["key"], setting["value"]
    for opening, closing in ("[]", "{}"):
        if value.startswith(opening) and not value.endswith(closing):
            whole = f"{key}={value.rstrip(', ')}, …{closing}"
            return f"{argument}: {opening} without {closing}; with spaces, quote the whole: '{whole}'"
    if value.startswith("[") and (elements := BETWEEN_COMMAS.findall(value[1:-1])):
        value = ",".join(_element(element.strip()) for element in elements)
        suggestion = f"{key}=[{value}]"
    else:
        suggestion = f"{key}={_element(value)}"
    if parsed(suggestion) is None:
        return f"{argument}: this can't be read (https://hydra.cc/docs/advanced/override_grammar/basic)"
    return f"{argument}: this has characters that have to be quoted: {shlex.quote(suggestion)}"


def _element(text: str) -> str:
    """A text in double quotes, which a shell's single ones can hold; as it is if nothing in it needs them."""
    return text if parsed(f"key={text}") else QuotedString(text, Quote.double).with_quotes()
