"""A student's step of JacSup on MNIST as the authors' code schedules it, for ``facet-bench steps``.

The networks and losses are those of their code (``docs/fidelity.md``, "Jacobian supervision on digits"). Every step
runs the teacher's encoder, its decoder on both images of a pair, and separate decoder passes for reconstructions and
for swaps. Adam has PyTorch's defaults.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PlainStudent:
    """A student with one more unit than its teacher.

    Args:
        units: of the student.
        learning_rate: of Adam.
        weight_decay: of Adam.
    """

    def __init__(self, units: int = 8, learning_rate: float = 3e-4, weight_decay: float = 1e-6) -> None:
        self.teacher, self.student = _autoencoder(units - 1), _autoencoder(units)
        parameters = [*self.student[0].parameters(), *self.student[1].parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=learning_rate, weight_decay=weight_decay)

    def step(self, images: Tensor) -> None:
        """Step on images ``[B, 784]``."""
        (encode_t, decode_t), (encode, decode) = self.teacher, self.student
        pairs = torch.randperm(len(images))
        with torch.no_grad():
            teacher_y = encode_t(images)
            teacher_change = decode_t(teacher_y[pairs]) - decode_t(teacher_y)
        code = encode(images)
        z, y = code[:, :1], code[:, 1:]  # the new unit is prepended
        decoded = decode(code)
        change = decode(torch.cat([z, y[pairs]], dim=1)) - decoded
        centred_z, centred_y = z - z.mean(0), y - y.mean(0)
        covariance = (centred_z.T @ centred_y / len(images)).norm()
        loss = (
            F.mse_loss(decoded, images)
            + 0.25 * F.mse_loss(y, teacher_y)
            + 0.1 * F.mse_loss(change, teacher_change)
            + 1e-3 * covariance
        )
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()


def _autoencoder(units: int) -> tuple[nn.Module, nn.Module]:
    def mlp(*widths: int) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        return layers[:-1]

    encoder = nn.Sequential(*mlp(784, 256, 128, 64, units))
    decoder = nn.Sequential(*mlp(units, 64, 128, 256, 784), nn.Tanh())
    return encoder, decoder
