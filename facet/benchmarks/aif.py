"""A step of AIF as the authors' code schedules it, for ``facet-bench steps``.

Plain code in fp32 with the networks, losses and reductions of their code (``docs/fidelity.md``). The encoder reads the
images and the reconstructions, even if the loss of the latter has weight 0. Prior samples are decoded twice, for the
discriminator's loss and for the decoder's. The discriminator reads five batches of images. Each loss also computes
gradients of networks that it does not train, which are cleared. Eight losses are read as numbers in every step. No
optimiser changes weights that a later backward pass needs, so current versions of PyTorch run it unchanged.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PlainCVAE(nn.Module):
    """E and D.

    Args:
        resolution: side of the images, a multiple of 16.
        attributes: k; theirs has 1.
        latent_dim: n_z.
        width: channels of the first convolution.
    """

    def __init__(self, resolution: int = 64, attributes: int = 1, latent_dim: int = 100, width: int = 64) -> None:
        super().__init__()
        self.start = (8 * width, resolution // 16, resolution // 16)
        features = 8 * width * (resolution // 16) ** 2
        self.trunk = halvings(width)
        self.mean = nn.Linear(features, latent_dim)
        self.log_variance = nn.Linear(features, latent_dim)
        self.label = nn.Linear(features, attributes)
        self.project = nn.Linear(attributes + latent_dim, features)
        doublings: list[nn.Module] = []
        for i, o in itertools.pairwise((8 * width, 4 * width, 2 * width, width)):
            doublings += [nn.ConvTranspose2d(i, o, 3, 2, 1, output_padding=1), nn.BatchNorm2d(o), nn.ReLU()]
        self.doublings = nn.Sequential(
            *doublings, nn.ConvTranspose2d(width, 3, 3, 2, 1, output_padding=1), nn.Sigmoid()
        )

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """μ ``[B, n_z]``, log σ² ``[B, n_z]``, and ŷ ``[B, k]`` of detached features."""
        features = self.trunk(images)
        return self.mean(features), self.log_variance(features), torch.sigmoid(self.label(features.detach()))

    def decode(self, y: Tensor, z: Tensor) -> Tensor:
        """Images in [0, 1]."""
        hidden = F.relu(self.project(torch.cat([y, z], 1)))
        images: Tensor = self.doublings(hidden.view(-1, *self.start))
        return images


class PlainIFcVAEGAN:
    """The body of the authors' training loop.

    Args:
        resolution: side of the images, a multiple of 16.
        attributes: k; 1 in the authors' code.
        latent_dim: n_z.
        width: channels of the first convolution of E and D.
        discriminator_width: channels of the first convolution of C; in the authors' code equal to ``width``.
        auxiliary_width: units of both hidden layers of A.
        learning_rate: of all three optimisers.
        kl_weight: α.
        class_weight: ρ.
        gan_weight: δ.
        auxiliary_weight: γ.
        class_on_reconstruction_weight: β.
    """

    def __init__(
        self,
        resolution: int = 64,
        attributes: int = 1,
        latent_dim: int = 100,
        width: int = 64,
        discriminator_width: int = 64,
        auxiliary_width: int = 1000,
        learning_rate: float = 2e-4,
        kl_weight: float = 0.2,
        class_weight: float = 0.1,
        gan_weight: float = 0.1,
        auxiliary_weight: float = 1.0,
        class_on_reconstruction_weight: float = 0.0,
    ) -> None:
        self.cvae = PlainCVAE(resolution, attributes, latent_dim, width)
        features = 8 * discriminator_width * (resolution // 16) ** 2
        self.discriminator = nn.Sequential(halvings(discriminator_width), nn.Linear(features, 1), nn.Sigmoid())
        hidden = auxiliary_width
        self.auxiliary = nn.Sequential(
            *(nn.Linear(latent_dim, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()),
            *(nn.Linear(hidden, attributes), nn.Sigmoid()),
        )
        self.of_cvae = torch.optim.RMSprop(self.cvae.parameters(), lr=learning_rate)
        self.of_discriminator = torch.optim.RMSprop(self.discriminator.parameters(), lr=learning_rate, alpha=0.9)
        self.of_auxiliary = torch.optim.RMSprop(self.auxiliary.parameters(), lr=learning_rate)
        self.kl_weight, self.class_weight, self.gan_weight = kl_weight, class_weight, gan_weight
        self.auxiliary_weight = auxiliary_weight
        self.class_on_reconstruction_weight = class_on_reconstruction_weight

    def step(self, images: Tensor, labels: Tensor) -> dict[str, float]:
        """Step on images ``[B, 3, H, W]`` in [0, 1] and labels 0 or 1, ``[B, k]``; returns the losses that are read."""
        mean, log_variance, predicted = self.cvae.encode(images)
        reconstructed = self.cvae.decode(predicted, sample(mean, log_variance))
        z = sample(mean, log_variance)
        reconstruction = F.binary_cross_entropy(reconstructed, images, reduction="sum") / images.shape[2] ** 2
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum() / mean.shape[1]
        of_class = F.binary_cross_entropy(predicted, labels)
        of_reconstruction = F.binary_cross_entropy(self.cvae.encode(reconstructed)[2], labels)
        of_encoder = F.binary_cross_entropy(self.auxiliary(z), labels)
        auxiliary = F.binary_cross_entropy(self.auxiliary(z.detach()), labels)

        noise = torch.randn_like(z)
        real = self.discriminator(images)
        fakes = [self.discriminator(reconstructed.detach())]
        fakes += [self.discriminator(self.cvae.decode(labels, noise).detach())]
        ones, zeros = torch.ones_like(real), torch.zeros_like(real)
        discriminator = F.binary_cross_entropy(real, ones, reduction="sum")
        discriminator = 0.3 * sum((F.binary_cross_entropy(one, zeros, reduction="sum") for one in fakes), discriminator)

        fakes = [self.discriminator(reconstructed), self.discriminator(self.cvae.decode(labels, noise))]
        generator = 0.5 * torch.stack([F.binary_cross_entropy(one, ones, reduction="sum") for one in fakes]).sum()

        cvae = reconstruction + self.kl_weight * kl + self.class_weight * of_class
        cvae = cvae + self.class_on_reconstruction_weight * of_reconstruction
        cvae = cvae - self.auxiliary_weight * of_encoder + self.gan_weight * generator
        descend(self.of_cvae, cvae)
        descend(self.of_auxiliary, auxiliary)
        descend(self.of_discriminator, discriminator)
        read = {"total": cvae, "kl": kl, "reconstruction": reconstruction, "generator": generator}
        read |= {"discriminator": discriminator, "class": of_class, "auxiliary": auxiliary, "of_encoder": of_encoder}
        return {name: loss.item() for name, loss in read.items()}


def halvings(width: int) -> nn.Sequential:
    """Layers from images to flat features, of E and of C, without batch norm."""
    layers: list[nn.Module] = []
    for i, o in itertools.pairwise((3, width, 2 * width, 4 * width, 8 * width)):
        layers += [nn.Conv2d(i, o, 5, 2, 2), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten())


def sample(mean: Tensor, log_variance: Tensor) -> Tensor:
    """A sample of z."""
    return mean + (log_variance / 2).exp() * torch.randn_like(mean)


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Step an optimiser by a loss, after clearing the gradients that other losses left in its parameters."""
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
