"""What ``${…}`` may call in a config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, Node, OmegaConf, flag_override

from facet import presets
from facet.completion import complete


def register_resolvers() -> None:
    """``${count:LIST}``: a list's length. ``${of:KEY,{A: 1, B: 2}}``: the value that stands under a key.

    ``${part:WIDTH,N}``: an N-th of a width, at least 2. ``${around:KEY}``: a tenth of a key's value and ten times.
    ``${times_preset:N}``: N times what the preset gives the key in whose place it stands.
    ``${by_preset:{A: 1, B: 2}}``: the value under the preset, or under the nearest one that it derives from, in the end
    ``paper``.
    ``${named:METHOD,ABLATION}``: a run's name. ``${fast_cpu_precision:}``: bf16 where this processor computes in it.
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
    said = presets.value(key, _root_.method, _root_.preset)
    if said is ...:
        without = deepcopy(_root_)
        parent, _, name = key.rpartition(".")
        with flag_override(without, "struct", False):
            del OmegaConf.select(without, parent)[name]  # else it would ask for itself
        return factor * float(_default(without, key))
    stated = OmegaConf.create({"value": said})
    stated._set_parent(_root_)
    return factor * float(stated.value)


def _default(root: DictConfig, key: str) -> Any:
    """What stands under a key; if nothing, the constructor's default."""
    if (found := OmegaConf.select(root, key)) is None:
        completed = deepcopy(root)
        complete(completed)
        found = OmegaConf.select(completed, key)
    return found


def _fast_cpu_precision() -> str:
    try:  # torch knows too, but takes seconds to import, and a finished run is to be found in less
        fast = "avx512_bf16" in Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        fast = False
    return "bf16-mixed" if fast else "32-true"
