"""A simulated GPU: its tensors compute on the CPU and refuse to be mixed with the CPU's tensors.

Its device is named ``meta``, which needs no driver. Kernels, memory, speed and ``pin_memory`` of a real GPU are not
simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from unittest.mock import patch

import torch
from pytorch_lightning.accelerators import AcceleratorRegistry, CPUAccelerator
from pytorch_lightning.strategies import SingleDeviceStrategy, StrategyRegistry
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = "meta"
TRAINER = ("trainer.accelerator=pretended", "trainer.strategy=pretended", "data.residency=device")

aten = torch.ops.aten
MOVES = {aten._to_copy, aten.copy_, aten.to}
INDEXES = {aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_}


class Elsewhere(Tensor):
    """A tensor on the simulated GPU; ``held`` has its values."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> Elsewhere:
        made = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, held.shape, strides=held.stride(), dtype=held.dtype, device=DEVICE
        )
        made.held = held
        return made  # type: ignore[no-any-return]

    def tolist(self) -> Any:
        return self.held.tolist()

    def __reduce_ex__(self, protocol: Any) -> Any:  # a checkpoint that is read with map_location="cpu"
        return self.held.__reduce_ex__(protocol)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(func, args, kwargs or {})


class _Mode(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(func, args, kwargs or {})


def _computed(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The result of an operation, on the device of its tensors or on the requested one.

    Raises:
        AssertionError: the operation mixes two devices. As on a GPU, tensors without dimensions may be on any device,
            and a tensor on the GPU may be indexed by one on the CPU.
    """
    leaves, kind = tree_leaves((args, kwargs)), func.overloadpacket
    tensors = [value for value in leaves if isinstance(value, Tensor)]
    there = any(isinstance(value, Elsewhere) for value in tensors)
    if there and kind not in MOVES:
        may_differ = tree_leaves(args[1]) if kind in INDEXES and isinstance(args[0], Elsewhere) else []
        for value in tensors:
            if value.dim() and not isinstance(value, Elsewhere) and not any(value is index for index in may_differ):
                raise AssertionError(f"{func}: tensors on two devices")
    for wanted in (value for value in leaves if isinstance(value, torch.device)):
        there = wanted.type == DEVICE
    if func is aten.to.other:
        there = isinstance(args[1], Elsewhere)
    result = func(*tree_map(_held, tuple(args)), **tree_map(_held, dict(kwargs)))
    if func._schema.is_mutable and isinstance(result, Tensor):
        return args[0]
    with torch.inference_mode(False):  # a view taken in inference mode may be of a tensor that is not of it
        return tree_map(lambda value: Elsewhere(value) if there and isinstance(value, Tensor) else value, result)


def _held(value: Any) -> Any:
    if isinstance(value, Elsewhere):
        return value.held
    return torch.device("cpu") if isinstance(value, torch.device) and value.type == DEVICE else value


class Accelerator(CPUAccelerator):
    """The accelerator of the simulated GPU; ``set_up`` lists the devices on which runs were set up."""

    set_up: ClassVar[list[torch.device]] = []

    @staticmethod
    def get_parallel_devices(devices: Any) -> list[torch.device]:
        return [torch.device(DEVICE)]

    def setup_device(self, device: torch.device) -> None:
        self.set_up.append(device)

    @staticmethod
    def name() -> str:
        return "pretended"


def _put(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Wrap a constructor of tensors from values; on the meta device torch would drop the values."""

    def made(data: Any, *, device: Any = None, **settings: Any) -> Tensor:
        return make(data, **settings) if device is None else make(data, **settings).to(device)

    return made


@contextmanager
def pretended_gpu() -> Iterator[str]:
    """Simulate a GPU; yields its device. The overrides ``TRAINER`` make a Trainer use it."""
    if "pretended" not in AcceleratorRegistry:
        AcceleratorRegistry.register("pretended", Accelerator, description="")
        StrategyRegistry.register("pretended", SingleDeviceStrategy, description="", device=torch.device(DEVICE))
    autocast, generator = torch.autocast, torch.Generator
    with (
        patch.object(torch, "tensor", _put(torch.tensor)),
        patch.object(torch, "as_tensor", _put(torch.as_tensor)),
        patch.object(torch, "autocast", lambda kind, *args, **settings: autocast(_cpu(kind), *args, **settings)),
        patch.object(torch, "Generator", lambda device="cpu": generator(_cpu(device))),
        patch("torch.optim.optimizer._get_fused_kernels_supported_devices", lambda: ["cpu", DEVICE]),
        _Mode(),
    ):
        yield DEVICE


def _cpu(device: Any) -> str:
    return "cpu" if torch.device(device).type == DEVICE else device
