"""The command that trains a run again, found by comparing its config with what commands compose."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from facet.command_line import parsed, quoted
from facet.completion import complete
from facet.configuration import choices, compose_config, config_directory
from facet.errors import UserError
from facet.identity import INCIDENTAL, resolved, same_run

MOST = 24  # settings of a command that is worth showing
PLAIN = ("seed", "attributes", "networks")
DEFAULTS = {"model": "ifcvae_gan", "data": "avatars"}


def command_of(config: DictConfig) -> str:
    """A ``facet-train`` command whose run has the identity of this one; empty if none is found.

    Places of data are left out: they are another machine's.
    """
    try:
        words = _chosen(config)
        words += list(_different(compose_config("train", words), config, only=PLAIN))
        words += list(_different(compose_config("train", words), config))
        if len(words) > MOST or not same_run(compose_config("train", words), config):
            return ""
    except (HydraException, UserError):
        return ""
    return " ".join(["facet-train", *(shlex.quote(word) for word in words)])


def _chosen(config: DictConfig) -> list[str]:
    """The choices of groups that differ from the defaults."""
    words = []
    for group in ("model", "data"):
        of_it = [name for name in choices(group) if _target(group, name) == config[group]._target_]
        words += [f"{group}={name}" for name in of_it[:1] if name != DEFAULTS[group]]
    if config.preset != "embedded":
        words.append(f"preset={config.preset}")
    if config.ablation != "none" and config.ablation in choices("ablation"):
        words.append(f"ablation={config.ablation}")
    return words


def _target(group: str, name: str) -> str:
    """The class of a choice, read from its file: to compose a config takes a second."""
    node = OmegaConf.load(config_directory() / group / f"{name}.yaml")
    return str(OmegaConf.select(node, f"{group}._target_") or OmegaConf.select(node, "_target_"))


def _different(composed: DictConfig, config: DictConfig, only: tuple[str, ...] = ()) -> Iterator[str]:
    """Settings of ``config`` that a composed one has otherwise, as overrides."""
    complete(composed)  # as the config of a run is: a default of a class is in no file
    here = dict(_leaves(resolved(composed)))
    for key, value in _leaves(resolved(config)):
        if only and key.split(".")[0] not in only:
            continue
        if any(f"{key}.".startswith(f"{each}.") for each in INCIDENTAL) or key.endswith("_target_"):
            continue
        if here.get(key, ...) != value:  # a setting of Lightning's may stand in no file
            yield f"{key}={_written(value)}"


def _leaves(node: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        path = f"{before}{key}"
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value


def _written(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = str(value)
    return text if not isinstance(value, str) or parsed(f"key={text}") else quoted(text)
