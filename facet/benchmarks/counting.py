"""What goes on below a training's step, counted as it happens: memory, operators, what processes tell one another."""

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
    """Within it, every operator is looked at.

    Memory is counted by what tensors own, from an operator's result to its last reference: what libraries take for
    themselves within an operator, and what an allocator keeps, is not in it.

    Attributes:
        held: bytes of tensors that were made within it and are still there.
        most: the largest that ``held`` has been.
        operators: how many there were but for views, each about a kernel of a GPU.
        touched: bytes that operators read and write, each as if it read nothing from a cache.
        sent: bytes that this process gave to collectives, by their name.
        collectives: how many there were, by their name.
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
            told = args[1] if name in ("allgather", "scatter") else args[0]  # what comes is the first there
            self.sent[name] += sum(map(size, tensors(told)))
        elif not func.is_view:
            self.operators += 1
            self.touched += sum(map(size, tensors((args, kwargs, made))))
        for tensor in tensors(made):
            storage = tensor.untyped_storage()
            if storage._cdata not in given:  # neither a view nor in place
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
    """Bytes of its numbers."""
    return tensor.numel() * tensor.element_size()


def without_memory(module: torch.nn.Module, mode: FakeTensorMode) -> None:
    """Take a module's numbers away: what it computes from now on has shapes and takes no memory."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                shape: Any = mode.from_tensor(parameter.detach())
                part._parameters[name] = torch.nn.Parameter(shape, parameter.requires_grad)
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = mode.from_tensor(buffer)
