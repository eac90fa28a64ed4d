"""The resolvers: functions that ``${…}`` may call in a config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, Node, OmegaConf, flag_override

from facet import presets
from facet.completion import complete


def register_resolvers() -> None:
    """Register the resolvers with OmegaConf.

    - ``${count:LIST}``: the length of a list.
    - ``${of:KEY,{A: 1, B: 2}}``: the value under KEY.
    - ``${part:WIDTH,N}``: WIDTH divided by N, at least 2.
    - ``${around:KEY}``: the range from a tenth of KEY's value to ten times it.
    - ``${times_preset:N}``: N times the preset's value of the key at which this stands.
    - ``${by_preset:{A: 1, B: 2}}``: the value for the preset, else for the nearest preset that it derives from, else
      for ``paper``.
    - ``${named:METHOD,ABLATION}``: a run's name.
    - ``${fast_cpu_precision:}``: ``bf16-mixed`` if this processor computes in bf16, else ``32-true``.
    """
    resolvers: dict[str, Callable[..., Any]] = {
        "count": lambda values: len(values),
        "of": lambda key, values: values[key],
        "part": lambda width, n: max(2, width // n),
        "named": lambda method, ablation: method if ablation == "none" else f"{method}/{ablation}",
        "fast_cpu_precision": _fast_cpu_precision,
        "around": _around,
        "by_preset": _by_preset,
        "times_preset": _times_preset,
    }
    for name, resolver in resolvers.items():
        OmegaConf.register_new_resolver(name, resolver, replace=True)


def _around(key: str, *, _root_: DictConfig) -> str:
    value = _default(_root_, key)
    return f"{value / 10:g}, {value * 10:g}"


def _by_preset(values: Mapping[str, Any], *, _root_: DictConfig) -> Any:
    line = ["paper", *presets.line(_root_.preset)]
    return next(values[name] for name in reversed(line) if name in values)


def _times_preset(factor: float, *, _root_: DictConfig, _node_: Node) -> float:
    key = str(_node_._get_full_key(None))
    stated = presets.value(key, _root_.method, _root_.preset)
    if stated is ...:
        without = deepcopy(_root_)
        parent, _, name = key.rpartition(".")
        with flag_override(without, "struct", False):
            del OmegaConf.select(without, parent)[name]  # avoids resolving this very interpolation again
        return factor * float(_default(without, key))
    node = OmegaConf.create({"value": stated})
    node._set_parent(_root_)  # resolves interpolations in the stated value
    return factor * float(node.value)


def _default(root: DictConfig, key: str) -> Any:
    """The value of a key, or the constructor's default if it isn't set."""
    if (value := OmegaConf.select(root, key)) is None:
        completed = deepcopy(root)
        complete(completed)
        value = OmegaConf.select(completed, key)
    return value


def _fast_cpu_precision() -> str:
    try:  # torch knows it too, but takes seconds to import, and a finished run must be recognised faster
        fast = "avx512_bf16" in Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        fast = False
    return "bf16-mixed" if fast else "32-true"
