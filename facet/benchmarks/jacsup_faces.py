"""A step of JacSup on faces as the authors' code schedules it, for ``facet-bench steps`` of a teacher and a student.

Plain code in fp32 with the networks, losses and weights of their code (``docs/fidelity.md``, "Jacobian supervision on
faces"). A step of both networks is followed by one of the decoder, whose losses come from the same graph. They send
gradients into the encoder too, which only the clipping uses. Current versions of PyTorch refuse a backward pass
through a graph whose weights have changed, so both losses are differentiated before the first step; the work is equal.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (32, 64, 128, 256, 512, 512)  # at 256×256
CLIP = 10.0


class PlainAutoencoder(nn.Module):
    """E and D.

    Args:
        attributes: k.
        latent_channels: channels of z.
        widths: of the encoder's convolutions but the last.
    """

    def __init__(self, attributes: int, latent_channels: int, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.attributes = attributes
        down = [3, *widths[:-1], widths[-1] + attributes, latent_channels + attributes]
        up = [latent_channels, *reversed(widths)]
        self.encoder = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(i, o, 4, 2, 1), nn.BatchNorm2d(o) if i > 3 else nn.Identity(), nn.LeakyReLU(0.2)
                )
                for i, o in itertools.pairwise(down)
            )
        )
        self.decoder = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose2d(i + attributes, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU())
            for i, o in itertools.pairwise(up)
        )
        self.outlet = nn.Sequential(nn.ConvTranspose2d(widths[0] + attributes, 3, 4, 2, 1, bias=False), nn.Tanh())

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """y ``[B, k]`` and z ``[B, latent_channels, 2, 2]``."""
        hidden = self.encoder(images)
        return hidden[:, : self.attributes].mean((2, 3)), hidden[:, self.attributes :]

    def decode(self, y: Tensor, z: Tensor) -> Tensor:
        """Images in [-1, 1]."""
        hidden = z
        for layer in [*self.decoder, self.outlet]:
            planes = y[:, :, None, None].expand(-1, -1, *hidden.shape[2:])
            hidden = layer(torch.cat([planes, hidden], 1))
        return hidden


class PlainTeacher:
    """A teacher in its second stage, with the cycle losses.

    Args:
        attributes: k.
        latent_channels: channels of z.
        widths: of the encoder's convolutions but the last.
        learning_rate: of both Adams.
    """

    def __init__(
        self, attributes: int, latent_channels: int, widths: Sequence[int] = WIDTHS, learning_rate: float = 2e-4
    ) -> None:
        self.network = PlainAutoencoder(attributes, latent_channels, widths)
        parts = nn.ModuleList([self.network.encoder]), nn.ModuleList([self.network.decoder, self.network.outlet])
        self.optimizers = [torch.optim.Adam(part.parameters(), lr=learning_rate, betas=(0.5, 0.999)) for part in parts]
        self.of_decoder = list(parts[1].parameters())

    def step(self, images: Tensor, labels: Tensor) -> None:
        """Step on images ``[B, 3, 256, 256]`` in [-1, 1] and labels -1 or 1, ``[B, k]``."""
        y, z = self.network.encode(images)
        pairs = torch.randperm(len(images))
        reconstruction = F.mse_loss(self.network.decode(y, z), images)
        prediction = F.relu(1 - y * labels).sum() / len(y)
        loss = 100 * reconstruction + 0.1 * prediction + 0.1 * covariance(y, z)
        cycles = self.cycles(y[pairs], z, self.network.decode(y[pairs], z), 1e-4, 1e-5)
        self.update(loss, cycles)

    def cycles(self, y: Tensor, z: Tensor, made: Tensor, of_y: float, of_z: float) -> Tensor:
        """The weighted sum of both cycle losses."""
        y_again, z_again = self.network.encode(made)
        cycles: Tensor = of_y * F.relu(1 - y_again * y.sign()).sum() / len(y) + of_z * (z_again - z).norm() / len(y)
        return cycles

    def update(self, loss: Tensor, cycles: Tensor) -> None:
        """Step both networks, then the decoder."""
        encoder, decoder = self.optimizers
        self.clear()
        cycles.backward(retain_graph=True)  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        second = [parameter.grad for parameter in self.of_decoder]
        self.clear()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        encoder.step()
        decoder.step()
        for parameter, gradient in zip(self.of_decoder, second, strict=True):
            parameter.grad = gradient
        decoder.step()

    def clear(self) -> None:
        """Clear all gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()


class PlainStudent(PlainTeacher):
    """A student whose teacher has half as many channels of z.

    Args:
        attributes: k.
        latent_channels: channels of the student's z.
        widths: of the encoder's convolutions but the last.
        learning_rate: of both Adams.
    """

    def __init__(
        self, attributes: int, latent_channels: int, widths: Sequence[int] = WIDTHS, learning_rate: float = 2e-4
    ) -> None:
        super().__init__(attributes, latent_channels, widths, learning_rate)
        self.teacher = PlainAutoencoder(attributes, latent_channels // 2, widths).requires_grad_(False).eval()

    def step(self, images: Tensor, labels: Tensor) -> None:
        """Step on images ``[B, 3, 256, 256]`` in [-1, 1]; students do not use labels."""
        pairs = torch.randperm(len(images))
        with torch.no_grad():
            teacher_y, teacher_z = self.teacher.encode(images)
            teacher_change = self.teacher.decode(teacher_y[pairs], teacher_z) - self.teacher.decode(
                teacher_y, teacher_z
            )
        y, z = self.network.encode(images)
        decoded, swapped = self.network.decode(y, z), self.network.decode(y[pairs], z)
        loss = (
            100 * F.mse_loss(decoded, images)
            + F.mse_loss(y, teacher_y)
            + 50 * F.mse_loss(swapped - decoded, teacher_change)
            + 0.01 * covariance(y, z)
        )
        self.update(loss, self.cycles(y[pairs], z, swapped, 1e-3, 1e-4))


def covariance(y: Tensor, z: Tensor) -> Tensor:
    """The Frobenius norm of the covariance matrix of z and y."""
    flat = z.flatten(1)
    both = (flat - flat.mean(0)).T @ (y - y.mean(0)) / len(y)
    norm: Tensor = torch.linalg.matrix_norm(both)
    return norm
