"""Checks composed configs against the constructors they call, before anything is built.

There is no second copy of the parameters. A node with ``_target_`` may have the keys of that constructor's signature,
with values that fit its annotations. A node without may have only keys that an interpolation reads. A typo anywhere is
an error that names the key, the file and the nearest valid key.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_origin

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ConfigDict, PydanticSchemaGenerationError, TypeAdapter, ValidationError

from facet import presets
from facet import primary as primaries
from facet.command_line import expand_homes, readable
from facet.completion import complete, group_of
from facet.errors import UserError, nearest
from facet.origins import Origins
from facet.renamed import new_name
from facet.resolvers import register_resolvers
from facet.rules import refuse
from facet.signatures import signature
from facet.targets import is_allowed, refusal

ADDED = ("method", "preset", "ablation")  # keys of a composed config that hold the names of choices
OF_THE_MACHINE = "${fast_cpu_precision:}"  # stored unresolved: each machine resolves it for itself
HYDRA_KEYS = {"_target_", "_partial_", "_args_", "_recursive_", "_convert_"}


def config_directory() -> Path:
    """``conf/``: beside the packages in a checkout, inside ``facet`` in an installed wheel."""
    for place in (Path(__file__).parent / "conf", Path(__file__).parent.parent / "conf"):
        if (place / "train.yaml").is_file():
            return place
    raise UserError("the conf directory is missing from this installation: install facet-lab again")


def register(primary: str) -> None:
    """Register with Hydra what isn't in a file: a command's own keys, the presets of every model, and resolvers."""
    register_resolvers()
    presets.register(config_directory())
    primaries.register(primary, config_directory())


def compose_config(name: str, overrides: Sequence[str]) -> DictConfig:
    """Compose a primary config as the command line does, completed with the constructors' defaults."""
    register(name)
    running, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None  # a command may be running under Hydra
    try:
        with initialize_config_dir(str(config_directory()), version_base="1.3"):
            config = compose(name, readable(overrides))
            expand_homes(config)
            complete(config)
            return config
    finally:
        GlobalHydra.instance().hydra = running


def check(
    config: DictConfig,
    primary: str = "train",
    chosen: Mapping[str, Any] | None = None,
    overrides: Sequence[str] | None = None,
) -> None:
    """Check a composed config; nothing is instantiated.

    Args:
        config: as Hydra composed it, interpolations unresolved.
        primary: the command's name. The command itself reads the keys of its ``Settings``.
        chosen: Hydra's group choices, which name the file of a mistake; the running command's if None.
        overrides: the command line's overrides, which name a mistake made there; the running command's if None.

    Raises:
        UserError: an unknown key, a missing key, a value of the wrong type, or an interpolation that can't be resolved.
    """
    register_resolvers()
    running = HydraConfig.get() if HydraConfig.initialized() else None
    if chosen is None:
        chosen = running.runtime.choices if running else {}
    if overrides is None:
        overrides = running.overrides.task if running else ()
    checker = _Checker(config, primary, Origins(config, config_directory(), primary, chosen, overrides))
    checker.top_level()
    checker.node(config, "")


def check_part(config: DictConfig, key: str) -> None:
    """Check one node of a stored config, as :func:`check` checks a composed one.

    Raises:
        UserError: as there.
    """
    _Checker(config, "train", Origins(config, config_directory(), "train", {}, ())).node(config[key], key)


class _Checker:
    def __init__(self, config: DictConfig, primary: str, origins: Origins) -> None:
        self.config, self.primary, self.origins = config, primary, origins
        settings = primaries.settings_of(primary)
        self.settings = primaries.types(settings) if settings else {}
        text = OmegaConf.to_yaml(config, resolve=False)
        self.read = set(re.findall(r"\$\{([\w.]+)\}", text))  # keys that an interpolation reads

    def top_level(self) -> None:
        """Check the keys that the command reads itself, and the nodes below them."""
        known = {*primaries.keys_of(self.primary, config_directory()), *ADDED}
        for key in self.config:
            if str(key) not in known:
                raise self.error(str(key), f"unknown key; nearest: {nearest(str(key), known)}")
        self.own(self.config, self.settings, "")

    def own(self, node: DictConfig, types: Mapping[str, Any], path: str) -> None:
        for key, value in _items(node, self.error, path):
            here = f"{path}.{key}" if path else key
            if path and key not in types:
                raise self.error(here, f"unknown key; nearest: {nearest(key, types)}")
            annotation = types.get(key, inspect.Parameter.empty)
            if is_dataclass(annotation):
                self.own(value, primaries.types(annotation), here)
            else:
                self.value(here, value, annotation)

    def node(self, node: DictConfig, path: str, argument: bool = False) -> None:
        """Check a node and all nodes below it.

        Args:
            node: the node.
            path: its dotted key.
            argument: whether it is inside an argument of a constructor: then the annotation decides which keys it has.
        """
        called = "_target_" in node
        if called:
            self.call(node, path)
        for key, value in _items(node, self.error, path):
            here = f"{path}.{key}" if path else key
            own = None if path else self.settings.get(key)
            if is_dataclass(own) or get_origin(own) is Mapping or here == "preset":
                continue  # the command reads it itself; a preset's settings are those of the runs
            if isinstance(value, DictConfig):
                self.node(value, here, argument or called)
            elif isinstance(value, ListConfig):
                for i, element in enumerate(value):
                    if isinstance(element, DictConfig):
                        self.node(element, f"{here}.{i}", argument or called)
            elif path and not called and not argument and not self.is_read(here):
                if value is None:
                    continue  # an unused slot: a callback that is switched off, a size that a network doesn't have
                siblings = [other for name in node if self.is_read(other := f"{path}.{name!s}")]
                near = f"; nearest: {nearest(here, siblings)}" if siblings else ""
                raise self.error(here, f"set, but nothing reads it{near}")

    def is_read(self, path: str) -> bool:
        """Whether an interpolation reads this key or a node that contains it (as with the optimisers' settings)."""
        parts = path.split(".")
        return any(".".join(parts[:i]) in self.read for i in range(1, len(parts) + 1))

    def call(self, node: DictConfig, path: str) -> None:
        """Check a node with ``_target_`` against the signature of its constructor."""
        target = str(node["_target_"])
        if not is_allowed(target):
            raise self.error(f"{path}._target_", refusal(target))
        try:
            parameters = signature(target)
        except LookupError:
            raise self.error(f"{path}._target_", f"{target} can't be imported") from None
        given = {str(key): value for key, value in _items(node, self.error, path) if key not in HYDRA_KEYS}
        for key, value in given.items():
            if key not in parameters:
                if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
                    continue
                if new := new_name(f"{path}.{key}", self.config, parameters):
                    raise UserError(f"config key {self.origins.told(f'{path}.{key}')} is now {new}")
                raise self.error(f"{path}.{key}", f"{target} has no such argument; nearest: {nearest(key, parameters)}")
            self.value(f"{path}.{key}", value, parameters[key].annotation)
        self.numbers(target, given, path)
        if not node.get("_partial_"):
            for key, parameter in parameters.items():
                required = parameter.default is inspect.Parameter.empty and "VAR" not in parameter.kind.name
                if required and key not in given and not node.get("_args_"):
                    raise self.error(f"{path}.{key}", f"{target} needs it, and it is not set")

    def numbers(self, target: str, given: Mapping[str, Any], path: str) -> None:
        """Run the constructor's own checks of numbers, without importing what the constructor needs."""
        try:
            refuse(target, {key: value for key, value in given.items() if not OmegaConf.is_config(value)})
        except ValueError as error:
            raise self.error(f"{path}.{str(error).split('=')[0]}", str(error)) from error

    def value(self, path: str, value: Any, annotation: Any) -> None:
        """Check a value against an annotation. A value with ``_target_`` is checked against its own constructor."""
        if isinstance(value, DictConfig) and "_target_" in value:
            return
        if annotation is inspect.Parameter.empty or any(_has_target(v) for v in _values(value)):
            return
        plain = OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
        if isinstance(value, DictConfig) and inspect.isclass(annotation) and annotation is not dict:
            raise self.error(path, f"{plain!r} has no _target_, which must name a {annotation.__name__}")
        if (group := group_of(annotation)) and not isinstance(plain, dict | None):
            known = next(iter(signature(group)), "…")
            raise self.error(path, f"{plain!r} isn't a group of settings: set each one, as in {path}.{known}=…")
        try:
            adapter = _adapter(annotation)
        except (PydanticSchemaGenerationError, TypeError):
            return  # not a type that a config could hold
        try:
            adapter.validate_json(json.dumps(plain), strict=True)  # as JSON, a list may be a tuple
        except ValidationError as error:
            raise self.error(path, f"{plain!r} {expected(error)}") from error

    def error(self, path: str, message: str) -> UserError:
        return UserError(f"config key {self.origins.told(path)}: {message}")


def choices(group: str) -> list[str]:
    """The choices of a group, with those in folders, such as ``aif/beta_vae``."""
    place = config_directory() / group
    found = [file.relative_to(place).with_suffix("").as_posix() for file in place.rglob("*.yaml")]
    return sorted([*found, *(["none"] if group == "ablation" else [])])


CHOICE = re.compile(r"\$\{of:\$\{([\w.]+)\},\{([^}]*)\}\}")


def _items(node: DictConfig, error: Callable[[str, str], UserError], path: str) -> Iterator[tuple[str, Any]]:
    for key in node:
        here = f"{path}.{key!s}" if path else str(key)
        try:
            yield str(key), node[key]
        except OmegaConfBaseException as problem:
            by = CHOICE.search(str(node._get_node(key)._value()))  # type: ignore[union-attr]
            if by and "KeyError" in str(problem):  # the mistake is the value of the key that the choice depends on
                *others, last = (repr(choice.partition(":")[0].strip()) for choice in by[2].split(","))
                wrong = OmegaConf.select(node._get_root(), by[1])
                raise error(by[1], f"{wrong!r} should be {', '.join(others)} or {last}") from problem
            raise error(here, str(problem).splitlines()[0]) from problem


def _values(value: Any) -> list[Any]:
    if isinstance(value, DictConfig):
        return [value, *value.values()]
    return list(value) if isinstance(value, ListConfig) else [value]


def _has_target(value: Any) -> bool:
    return isinstance(value, DictConfig) and "_target_" in value


def expected(error: ValidationError) -> str:
    """What a value should be, in words; if several types have choices, all of their choices."""
    problems = error.errors()
    useful = [problem for problem in problems if problem["type"] != "is_instance_of"]  # no config value is an instance
    choices = [str(problem["ctx"]["expected"]) for problem in useful if problem["type"] == "literal_error"]
    if len(choices) > 1:
        return f"should be one of {', '.join(choice.replace(' or ', ', ') for choice in choices)}"
    return str((useful or problems)[0]["msg"]).replace("Input should be", "should be")


@functools.lru_cache(maxsize=512)
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))


def digest(config: Mapping[str, Any]) -> str:
    """A digest of a plain config: eight hex digits."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()[:8]
