"""One-line messages for the mistakes that Hydra refuses: what was wrong, and the nearest valid name."""

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
    """The one-line message for a user's mistake; None if the error is a bug of ours."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" for {error.filename}" if error.filename else ""
        return f"there is no room on the disk{where}: make some and run the same command again; no file is damaged"
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and error.filename:
        return f"{error.filename} can't be read or written ({error.strerror})"
    # From Lightning, about the trainer's settings. Its class is compared by name: importing it would import torch.
    if type(error).__name__ == "MisconfigurationException" or " `val_check_interval` (" in str(error):
        return " ".join(str(error).split())
    if isinstance(error, InstantiationException):
        return None  # a constructor failed unexpectedly: what it refuses is a UserError already
    if isinstance(error, OverrideParseException):
        return how_to_say(error.override)
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        return _no_such_choice(error.missing_cfg_file)
    if str(error).startswith("Config group override must be"):  # Hydra doesn't name the group
        return next(map(_no_such_choice, _choices_that_are_no_names()), str(error))
    if isinstance(error, HydraException | OmegaConfBaseException):
        text = str(error)
        if match := re.search(r"Could not override '([^']+)'", text):
            return _unknown_key(primary, match[1])
        if match := re.search(r"Ambiguous value for argument '([^=]+)=(.*)'", text):
            return f"{match[1]}={match[2]}: for a sweep over several values add -m; a list is {match[1]}=[{match[2]}]"
        return " ".join(text.split())
    return None


def _no_such_choice(file: str) -> str:
    """The message for a choice that its group doesn't have: its new name, or the nearest choice."""
    group, _, choice = file.rpartition("/") if file.startswith("hydra/") else file.partition("/")
    if group.startswith("hydra/"):
        return f"{group}={choice}: it doesn't exist or isn't installed: pip install 'facet-lab[sweep]'"
    if instead := CHOICES.get(f"{group}={choice}"):
        return f"{group}={choice} is now {instead}"
    return f"{group}={choice}: no such choice; nearest: {nearest(choice, choices(group))}"


def _choices_that_are_no_names() -> Iterator[str]:
    """Choices on the command line that Hydra reads as another type than a name: ``model/null``."""
    for override in filter(None, map(parsed, sys.argv[1:])):
        group = override.key_or_group
        if (config_directory() / group).is_dir() and not isinstance(override.value(), str | list):
            yield f"{group}/{override.get_value_element_as_str()}"


def _unknown_key(primary: str, key: str) -> str:
    """The message for a key that the command doesn't have: its new name, or the nearest key."""
    config = _composed(primary)
    if new := new_name(key, config):
        return f"{key} is now {new}"
    return f"unknown config key {key}; nearest: {nearest(key, _keys(config))}"


def _composed(primary: str) -> DictConfig:
    """The primary config, with the groups chosen on the command line."""
    chosen = [word for word in sys.argv[1:] if re.fullmatch(r"[a-z_]+=[\w/-]+", word)]  # model=jacsup_digits
    try:
        return compose_config(primary, chosen)
    except (HydraException, OmegaConfBaseException):  # one of the choices is the mistake itself
        return compose_config(primary, [])


def _keys(config: DictConfig) -> list[str]:
    """All keys of a config, dotted."""

    def walk(node: object, path: str) -> list[str]:
        if not isinstance(node, dict):
            return [path]
        return [path] * bool(path) + [k for key, v in node.items() for k in walk(v, f"{path}.{key}".lstrip("."))]

    return walk(OmegaConf.to_container(config, resolve=False), "")
