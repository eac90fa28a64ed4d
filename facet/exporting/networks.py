"""The functions of a model as modules with plain inputs and outputs, which is what exporters take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from facet.errors import UserError
from facet.exporting.subject import Subject


class Call(nn.Module):
    """One method of a model as a module.

    Args:
        model: the model.
        method: the method's name.
    """

    def __init__(self, model: nn.Module, method: str) -> None:
        super().__init__()
        self.model, self.method = model, method

    def forward(self, *inputs: Tensor) -> Any:
        """What the method returns."""
        return getattr(self.model, self.method)(*inputs)


@dataclass(frozen=True)
class Network:
    """A network to export.

    Attributes:
        name: of its file.
        module: in evaluation mode; takes the inputs in order.
        inputs: by name, examples with a batch of 2; every first dimension is the batch.
        outputs: their names.
    """

    name: str
    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]


def networks_of(subject: Subject) -> list[Network]:
    """Encoder, decoder and judge of a model.

    Raises:
        UserError: the model has no decoder.
    """
    model = subject.model
    torch.manual_seed(0)
    images = torch.rand(2, subject.channels, subject.resolution, subject.resolution)
    if subject.is_editor:
        inputs = {"images": images}
        if subject.labels_given:
            inputs["labels"] = torch.rand(2, len(subject.names)).round()
        with torch.no_grad():
            attributes, nuisance = model.encode(*inputs.values())
        code = {"attributes": attributes, "nuisance": nuisance}
        networks = [
            Network("encoder", Call(model, "encode"), inputs, ("attributes", "nuisance")),
            Network("decoder", Call(model, "decode"), code, ("images",)),
        ]
    elif subject.is_coder:
        with torch.no_grad():
            codes = model.codes(images)
        networks = [
            Network("encoder", Call(model, "codes"), {"images": images}, ("codes",)),
            Network("decoder", Call(model, "decode_codes"), {"codes": codes}, ("images",)),
        ]
    else:
        raise UserError(f"{subject.run.path}: {type(model).__name__} has no decoder, so there is nothing to edit with")
    if subject.judge:
        networks.append(Network("judge", Call(subject.judge, "probabilities"), {"images": images}, ("probabilities",)))
    for network in networks:
        network.module.eval()
    return networks
