"""Converts the command line of pages to Hydra's: ``facet-reproduce table1 seeds=0,1,2 preset=paper``.

A word without ``=`` is a page or a group of pages. Settings that the command itself doesn't have are passed to the
trainings of the page's runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import fields

from facet.command_line import SETTING
from facet.configuration import config_directory
from facet.errors import UserError
from facet.identity import Places
from facet.primary import keys_of

BOTH = ("logger",)  # settings of both the runs and the page
PLACES = [f"data.{place.name}" for place in fields(Places)]


def for_pages(primary: str) -> Callable[[Sequence[str]], list[str]]:
    """The function that converts the arguments of a command.

    Args:
        primary: the command's primary config.
    """

    def read(arguments: Sequence[str]) -> list[str]:
        return page_arguments(arguments, set(keys_of(primary, config_directory())))

    return read


def page_arguments(arguments: Sequence[str], own: set[str]) -> list[str]:
    """Convert a command's arguments to Hydra's.

    Args:
        arguments: the command's arguments.
        own: the keys that the command itself has.

    Raises:
        UserError: ``table=``, an old form.
    """
    pages = [argument for argument in arguments if "=" not in argument and not argument.startswith("-")]
    converted: list[str] = [f"pages=[{','.join(map(_quoted, pages))}]"] if pages else []
    for_trainings: list[str] = []
    seeds = ("seed", "seeds") if pages and "seed" not in own else ("seeds",)
    for argument in arguments:
        setting = SETTING.fullmatch(argument)
        if setting is None:
            converted += [] if argument in pages else [argument]
            continue
        key, value = setting["key"].lstrip("+"), setting["value"]
        if key == "table":
            raise UserError(f"{argument}: give only the page's name: {value}")
        if key in seeds and re.fullmatch(r"[\d,]+", value):
            converted.append(f"seeds=[{value}]")
            continue
        group = re.split(r"[./]", key)[0]
        is_own = group in own and (group != "data" or key in PLACES)
        is_own = is_own or group == "hydra" or not pages  # without pages there are no trainings to pass it to
        if is_own:
            converted.append(argument)
        if pages and (not is_own or key in BOTH):
            for_trainings.append(argument)
    if for_trainings:
        converted.append(f"overrides=[{','.join(map(_quoted, for_trainings))}]")
    return converted


def _quoted(text: str) -> str:
    """A text in double quotes, as an element of a list in Hydra's grammar."""
    return '"' + re.sub(r'\\*"', lambda match: match[0].replace("\\", "\\\\").replace('"', '\\"'), text) + '"'
