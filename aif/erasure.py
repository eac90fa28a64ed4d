"""Removes from μ, in closed form, what the adversary has left of y: optimal transport between Gaussians.

This is not in the paper. The paper's adversary reads the noisy ẑ and ends at chance. A newly trained probe still reads
y from μ, which edits start from, because the classes differ by less than the noise. The decoder ignores such
differences, so they can be removed afterwards at little cost: a map removes those in mean and covariance, and the
posterior's own noise hides those of higher order.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nets.checks import at_least_one, not_negative


class GaussianErasure(nn.Module):
    """Moves the codes of both classes of ŷ onto one Gaussian, attribute by attribute.

    Codes of class v, seen as N(m_v, C_v), are moved by the map that is optimal between Gaussians (Peyré & Cuturi 2019,
    "Computational Optimal Transport", remark 2.31) to N(m, C), the mean of all codes and the covariance within classes:

        T_v(μ) = m + A_v (μ - m_v),   A_v = C_v^(-1/2) (C_v^(1/2) C C_v^(1/2))^(1/2) C_v^(-1/2).

    Afterwards the classes have the same mean and covariance. A probe that has seen thousands of codes still reads
    differences of higher order. Edits therefore start from a sample: noise · σ ⊙ ε is added, as in the codes that D saw
    in training. ŷ says which class a code belongs to, in fitting and in use, so labels aren't needed. Erasing one
    attribute can bring back a little of a correlated one, so several rounds go over all attributes. An erasure that is
    not fitted yet changes nothing. The maps are part of the state dict.

    Args:
        latent_dim: n_z.
        attributes: k.
        rounds: how often the erasure goes over all attributes; a single attribute needs one round.
        images: how many training images the maps are fitted on, the first ones of the split.
        noise: standard deviation of the added noise, in posterior standard deviations; 0 adds none.
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
        # One map per step and class. The tensor has four dimensions because ``channels_last`` works on no others.
        self.register_buffer("maps", torch.eye(latent_dim).repeat(rounds * attributes, 2, 1, 1))
        self.register_buffer("shifts", torch.zeros(rounds * attributes, 2, latent_dim))

    def forward(self, mean: Tensor, log_variance: Tensor, attributes: Tensor) -> Tensor:
        """Samples of the codes from which ŷ has been removed, ``[B, n_z]``.

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
        """Move codes ``[B, n_z]`` of images with ŷ ``[B, k]``, so that both classes have one Gaussian; same shape."""
        present = (attributes > 0.5).T
        for step in range(len(self.maps)):
            codes = self._erase(codes, present[step % len(present)], step)
        return codes

    @torch.no_grad()
    def fit(self, codes: Tensor, attributes: Tensor) -> None:
        """Fit the maps to codes ``[N, n_z]`` and ŷ ``[N, k]``; a class of fewer than two codes is left as it is."""
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
    """A class's covariance, shrunk towards the covariance within classes as d further members would shrink it."""
    n, d = members.shape
    return (n * torch.cov(members.T, correction=0) + d * within) / (n + d)


def _transport(source: Tensor, target: Tensor) -> Tensor:
    """A, symmetric ``[d, d]``, with A · source · A = target."""
    root, inverse = _roots(source)
    middle, _ = _roots(root @ target @ root)
    return inverse @ middle @ inverse


def _roots(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """The square root of a covariance, and its inverse; variances are at least 1e-9 of the largest one."""
    values, vectors = torch.linalg.eigh(covariance)
    values = values.clamp(min=1e-9 * values.max().clamp(min=1e-30))
    return (vectors * values.sqrt()) @ vectors.T, (vectors / values.sqrt()) @ vectors.T
