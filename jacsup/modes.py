"""How a network is run for a while: its parameters, its batch norms, its precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Graphs made within it carry gradients through the network and none into its parameters."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


@contextmanager
def untracked_statistics(network: nn.Module) -> Iterator[None]:
    """Within it, batch norms use the batch's statistics and leave their running ones alone."""
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    tracked = [norm.track_running_stats for norm in norms]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm, was in zip(norms, tracked, strict=True):
            norm.track_running_stats = was


def full_precision(values: Tensor) -> Tensor:
    """At least float32: networks may run in bf16, losses do not."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
