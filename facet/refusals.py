"""What Hydra refuses, in one line: what was wrong, and what is nearest to it."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterator

from hydra.errors import HydraException, InstantiationException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from facet.command_line import how_to_say, parsed
from facet.configuration import choices, compose_config, config_directory
from facet.errors import UserError, nearest
from facet.renamed import CHOICES, new_name


def user_message(primary: str, error: Exception) -> str | None:
    """The one line for a user's mistake; None if the mistake is ours."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" for {error.filename}" if error.filename else ""
        return f"there is no room on the disk{where}; what was there before is whole, and the same command goes on"
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and error.filename:
        return f"{error.filename} can't be read or written ({error.strerror})"
    # Lightning's, of the trainer's settings; which takes torch
    if type(error).__name__ == "MisconfigurationException" or " `val_check_interval` (" in str(error):
        return " ".join(str(error).split())
    if isinstance(error, InstantiationException):
        return None  # a constructor of ours failed; what it refuses is a UserError already
    if isinstance(error, OverrideParseException):
        return how_to_say(error.override)
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        return _no_such_choice(error.missing_cfg_file)
    if str(error).startswith("Config group override must be"):  # Hydra's, and of any group
        return next(map(_no_such_choice, _choices_that_are_no_names()), str(error))
    if isinstance(error, HydraException | OmegaConfBaseException):
        text = str(error)
        if match := re.search(r"Could not override '([^']+)'", text):
            return _unknown_key(primary, match[1])
        if match := re.search(r"Ambiguous value for argument '([^=]+)=(.*)'", text):
            return f"{match[1]}={match[2]}: several values are a sweep, by -m; a list is {match[1]}=[{match[2]}]"
        return " ".join(text.split())
    return None


def _no_such_choice(file: str) -> str:
    """A choice of a group that doesn't exist, of which all that do are known, those in folders too."""
    group, _, choice = file.rpartition("/") if file.startswith("hydra/") else file.partition("/")
    if group.startswith("hydra/"):
        return f"{group}={choice}: there is no such thing, or it isn't installed: pip install 'facet-lab[sweep]'"
    if instead := CHOICES.get(f"{group}={choice}"):
        return f"{group}={choice} is now {instead}"
    return f"{group}={choice}: no such choice; nearest: {nearest(choice, choices(group))}"


def _choices_that_are_no_names() -> Iterator[str]:
    """Choices on the command line that are read as another type: ``model/null``."""
    for override in filter(None, map(parsed, sys.argv[1:])):
        group = override.key_or_group
        if (config_directory() / group).is_dir() and not isinstance(override.value(), str | list):
            yield f"{group}/{override.get_value_element_as_str()}"


def _unknown_key(primary: str, key: str) -> str:
    """A key that the command doesn't have, its new name, or the nearest that it has."""
    config = _composed(primary)
    if new := new_name(key, config):
        return f"{key} is now {new}"
    return f"unknown config key {key}; nearest: {nearest(key, _keys(config))}"


def _composed(primary: str) -> DictConfig:
    """The primary config with the groups chosen on the command line."""
    chosen = [word for word in sys.argv[1:] if re.fullmatch(r"[a-z_]+=[\w/-]+", word)]  # model=jacsup_digits
    try:
        return compose_config(primary, chosen)
    except (HydraException, OmegaConfBaseException):  # one of them is what can't be understood
        return compose_config(primary, [])


def _keys(config: DictConfig) -> list[str]:
    """Every key, dotted."""

    def walk(node: object, path: str) -> list[str]:
        if not isinstance(node, dict):
            return [path]
        return [path] * bool(path) + [k for key, v in node.items() for k in walk(v, f"{path}.{key}".lstrip("."))]

    return walk(OmegaConf.to_container(config, resolve=False), "")
