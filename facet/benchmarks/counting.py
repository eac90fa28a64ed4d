"""Counts memory, operators and communication between processes while a training step runs."""

from __future__ import annotations

import weakref
from collections import Counter
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A mode that counts every operator within it.

    Memory is that of tensors' storages, from an operator's result to its last reference. The workspaces of libraries
    and the reserves of an allocator are not counted.

    Attributes:
        held: bytes of tensors that were made within the mode and still exist.
        most: the maximum of ``held``.
        operators: number of operators without views; each is about one kernel on a GPU.
        touched: bytes that operators read and write, without any cache.
        sent: bytes that this process gave to collectives, by the collective's name.
        collectives: number of collectives, by name.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held = self.most = self.operators = self.touched = 0
        self.sent: Counter[str] = Counter()
        self.collectives: Counter[str] = Counter()
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {tensor.untyped_storage()._cdata for tensor in tensors((args, kwargs))}
        made = func(*args, **(kwargs or {}))
        if func.namespace == "c10d":
            name = func._schema.name.removeprefix("c10d::").strip("_")
            self.collectives[name] += 1
            inputs = args[1] if name in ("allgather", "scatter") else args[0]  # in these the first is the output
            self.sent[name] += sum(map(size, tensors(inputs)))
        elif not func.is_view:
            self.operators += 1
            self.touched += sum(map(size, tensors((args, kwargs, made))))
        for tensor in tensors(made):
            storage = tensor.untyped_storage()
            if storage._cdata not in given:  # neither a view nor changed in place
                self._hold(storage)
        return made

    def _hold(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._known:
            return
        self._known.add(key)
        self.held += storage.nbytes()
        self.most = max(self.most, self.held)
        weakref.finalize(storage, self._let_go, key, storage.nbytes())

    def _let_go(self, key: int, count: int) -> None:
        self._known.discard(key)
        self.held -= count


def tensors(of: Any) -> list[Tensor]:
    """All tensors within lists, tuples and dictionaries."""
    return [leaf for leaf in tree_leaves(of) if isinstance(leaf, Tensor)]


def size(tensor: Tensor) -> int:
    """Size of a tensor's values in bytes."""
    return tensor.numel() * tensor.element_size()


def without_memory(module: torch.nn.Module, mode: FakeTensorMode) -> None:
    """Replace a module's parameters and buffers by fake tensors, which have a shape and take no memory."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                shape: Any = mode.from_tensor(parameter.detach())
                part._parameters[name] = torch.nn.Parameter(shape, parameter.requires_grad)
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = mode.from_tensor(buffer)
