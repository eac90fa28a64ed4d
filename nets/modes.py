"""How a network runs for a while: its batch norms, its parameters, its precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def untracked_statistics(network: nn.Module) -> Iterator[None]:
    """Batch norms use the batch's statistics and leave their running statistics alone."""
    norms = _norms(network)
    tracked = [norm.track_running_stats for norm in norms]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm, was in zip(norms, tracked, strict=True):
            norm.track_running_stats = was


@contextmanager
def counted_twice(network: nn.Module) -> Iterator[None]:
    """One pass moves the running batch-norm statistics as far as two passes of the same batch would."""
    norms = _norms(network)
    momenta = [norm.momentum or 0.0 for norm in norms]
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = 1 - (1 - momentum) ** 2
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """The network is in evaluation mode: no dropout, and batch norms use their running statistics."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Gradients pass through the network, and its parameters get none."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def full_precision(values: Tensor) -> Tensor:
    """The values in float32 or more: networks may run in bf16; losses, and the sampling of codes, do not."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _norms(network: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    return [part for part in network.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
