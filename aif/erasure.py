"""What the adversary leaves of y in μ, taken out in closed form: optimal transport between Gaussians.

Not in the paper. Its adversary reads the noisy ẑ and ends at chance, and a fresh probe still reads y from μ, which the
edits start from: differences well below the noise, that the decoder ignores. So they can be taken away afterwards at
little price: what differs in mean and covariance by a map, and what is of higher order by the posterior's own noise.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from aif.checks import at_least_one, not_negative


class GaussianErasure(nn.Module):
    """Moves the codes of both classes of ŷ onto one Gaussian, attribute by attribute.

    Codes of class v, seen as N(m_v, C_v), are moved by the map that is optimal between Gaussians (Peyré & Cuturi 2019,
    "Computational Optimal Transport", remark 2.31) to N(m, C), the mean of all codes and the covariance within classes:

        T_v(μ) = m + A_v (μ - m_v),   A_v = C_v^(-1/2) (C_v^(1/2) C C_v^(1/2))^(1/2) C_v^(-1/2).

    Afterwards the classes have the same mean and covariance. A probe that has seen thousands of codes still reads what
    is of higher order, so edits start from a sample: noise · σ ⊙ ε is added, as D knew it in training.
    Which class a code belongs to says ŷ, in fitting as in use, so labels aren't needed. Erasing one attribute can bring
    back a little of another that it is correlated with: several rounds go over all of them. Until it is fitted, it
    changes nothing. Part of the state dict.

    Args:
        latent_dim: n_z.
        attributes: k.
        rounds: over all attributes; one attribute needs one.
        images: how many of the training images are looked at, the first ones.
        noise: share of the posterior's standard deviation that is added; 0 adds none.
    """

    maps: Tensor
    shifts: Tensor

    def __init__(
        self, latent_dim: int = 100, attributes: int = 1, rounds: int = 1, images: int = 20_000, noise: float = 1.0
    ) -> None:
        super().__init__()
        at_least_one(latent_dim=latent_dim, attributes=attributes, rounds=rounds, images=images)
        not_negative(noise=noise)
        self.attributes, self.images, self.noise = attributes, images, noise
        # One after the other, two classes each; of rank 4, since ``channels_last`` knows no other.
        self.register_buffer("maps", torch.eye(latent_dim).repeat(rounds * attributes, 2, 1, 1))
        self.register_buffer("shifts", torch.zeros(rounds * attributes, 2, latent_dim))

    def forward(self, mean: Tensor, log_variance: Tensor, attributes: Tensor) -> Tensor:
        """A sample without what it would tell of ŷ, ``[B, n_z]``.

        Args:
            mean: μ, ``[B, n_z]``.
            log_variance: log σ², same shape.
            attributes: ŷ in [0, 1], ``[B, k]``.
        """
        erased = self.erase(mean, attributes)
        if self.noise == 0:
            return erased
        return erased + self.noise * (0.5 * log_variance).exp() * torch.randn_like(erased)

    def erase(self, codes: Tensor, attributes: Tensor) -> Tensor:
        """Codes ``[B, n_z]`` of images with ŷ ``[B, k]``, the classes' Gaussians moved onto one; same shape."""
        present = (attributes > 0.5).T
        for step in range(len(self.maps)):
            codes = self._erase(codes, present[step % len(present)], step)
        return codes

    @torch.no_grad()
    def fit(self, codes: Tensor, attributes: Tensor) -> None:
        """Learn the maps from codes ``[N, n_z]`` and ŷ ``[N, k]``; classes of fewer than two codes stay as they are."""
        codes, present = codes.double(), (attributes > 0.5).T
        self.maps.copy_(torch.eye(codes.shape[1]))
        self.shifts.zero_()
        for step in range(len(self.maps)):
            on = present[step % len(present)]
            classes = [codes[~on], codes[on]]
            if min(map(len, classes)) < 2:
                continue
            mean, within = codes.mean(0), _within(classes)
            for v, members in enumerate(classes):
                transport = _transport(_covariance(members, within), within)
                self.maps[step, v] = transport.to(self.maps)
                self.shifts[step, v] = (mean - members.mean(0) @ transport).to(self.shifts)
            codes = self._erase(codes, on, step)

    def _erase(self, codes: Tensor, on: Tensor, step: int) -> Tensor:
        maps, shifts = self.maps[step].to(codes), self.shifts[step].to(codes)
        return torch.where(on[:, None], codes @ maps[1] + shifts[1], codes @ maps[0] + shifts[0])


def _within(classes: list[Tensor]) -> Tensor:
    """The covariance within classes, ``[d, d]``."""
    scatter = sum((members - members.mean(0)).T @ (members - members.mean(0)) for members in classes)
    assert isinstance(scatter, Tensor)
    return scatter / sum(map(len, classes))


def _covariance(members: Tensor, within: Tensor) -> Tensor:
    """A class's own covariance, drawn towards that of all by as much as d further members would."""
    n, d = members.shape
    return (n * torch.cov(members.T, correction=0) + d * within) / (n + d)


def _transport(source: Tensor, target: Tensor) -> Tensor:
    """A, symmetric ``[d, d]``, with A · source · A = target."""
    root, inverse = _roots(source)
    middle, _ = _roots(root @ target @ root)
    return inverse @ middle @ inverse


def _roots(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """The square root of a covariance and the inverse of that; no direction has less than 1e-9 of the most variance."""
    values, vectors = torch.linalg.eigh(covariance)
    values = values.clamp(min=1e-9 * values.max().clamp(min=1e-30))
    return (vectors * values.sqrt()) @ vectors.T, (vectors / values.sqrt()) @ vectors.T
