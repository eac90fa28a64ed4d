"""The command line of pages: ``facet-reproduce table1 seeds=0,1,2 preset=paper`` as Hydra has it.

A word without ``=`` is a page or a group of pages. What the command itself doesn't know is said to the training of the
page's runs.
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

BOTH = ("logger",)  # of the runs, and of the page
PLACES = [f"data.{place.name}" for place in fields(Places)]


def for_pages(primary: str) -> Callable[[Sequence[str]], list[str]]:
    """What reads the arguments of a command.

    Args:
        primary: the command's config.
    """

    def read(arguments: Sequence[str]) -> list[str]:
        return page_arguments(arguments, set(keys_of(primary, config_directory())))

    return read


def page_arguments(arguments: Sequence[str], own: set[str]) -> list[str]:
    """Arguments as people say them, as Hydra has them.

    Args:
        arguments: of the command.
        own: the keys that the command knows.

    Raises:
        UserError: ``table=``, which is said otherwise now.
    """
    pages = [argument for argument in arguments if "=" not in argument and not argument.startswith("-")]
    found: list[str] = [f"pages=[{','.join(map(_quoted, pages))}]"] if pages else []
    trained: list[str] = []
    for argument in arguments:
        setting = SETTING.fullmatch(argument)
        if setting is None:
            found += [] if argument in pages else [argument]
            continue
        key, value = setting["key"].lstrip("+"), setting["value"]
        if key == "table":
            raise UserError(f"{argument}: say the page's name alone: {value}")
        if key == "seeds" and re.fullmatch(r"[\d,]+", value):
            found.append(f"seeds=[{value}]")
            continue
        group = re.split(r"[./]", key)[0]
        is_own = group in own and (group != "data" or key in PLACES)
        is_own = is_own or group == "hydra" or not pages  # of a run alone nothing is trained
        if is_own:
            found.append(argument)
        if pages and (not is_own or key in BOTH):
            trained.append(argument)
    if trained:
        found.append(f"overrides=[{','.join(map(_quoted, trained))}]")
    return found


def _quoted(text: str) -> str:
    """A text as Hydra's grammar has it in a list, in double quotes."""
    return '"' + re.sub(r'\\*"', lambda found: found[0].replace("\\", "\\\\").replace('"', '\\"'), text) + '"'
