"""The losses of "Adversarial Information Factorization" (AIF) and then of its baselines: tensors in, scalar out.

All losses of AIF know two reductions. ``sum`` is what the authors ran, and what the preset ``paper`` uses where the
text is silent (``docs/fidelity.md``, "reductions"): reconstruction summed over everything and divided by the square of
the images' side, KL summed over the batch and divided by the latent width, GAN terms summed over the batch,
classification terms averaged. ``mean`` averages every term over all its elements, so that no weight depends on batch
size, resolution or latent width.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Reduction = Literal["sum", "mean"]


def reconstruction(logits: Tensor, images: Tensor, reduction: Reduction) -> Tensor:
    """L_rec = L_bce(x̂, x), AIF §3.1 below eq. 3.

    Args:
        logits: the decoder's output before the sigmoid, ``[B, C, H, W]``.
        images: x in [0, 1], same shape.
        reduction: ``sum``: summed, then divided by H²; ``mean``: over all elements.
    """
    if reduction == "mean":
        return F.binary_cross_entropy_with_logits(logits, images)
    return F.binary_cross_entropy_with_logits(logits, images, reduction="sum") / images.shape[2] ** 2


def kl(mean: Tensor, log_variance: Tensor, reduction: Reduction) -> Tensor:
    """L_KL = KL[q(z|x) ‖ N(0, I)] in nats per latent dimension, AIF eqs. 1 and 4.

    Args:
        mean: μ, ``[B, n_z]``.
        log_variance: log σ², same shape.
        reduction: ``sum``: summed over the batch and divided by n_z; ``mean``: over batch and dimensions.
    """
    terms = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance)
    return terms.mean() if reduction == "mean" else terms.sum() / mean.shape[1]


def classification(logits: Tensor, labels: Tensor) -> Tensor:
    """L_class = L_bce(ŷ, y), and L_aux = L_bce(ỹ, y), AIF eqs. 4 and 5; the mean over *known* labels.

    Args:
        logits: ``[B, k]``.
        labels: ``[B, k]`` in {0, 1}; NaN where unknown.
    """
    known = ~labels.isnan()
    terms = F.binary_cross_entropy_with_logits(logits, labels.nan_to_num(), reduction="none")
    return (terms * known).sum() / known.sum().clamp(min=1)


def discriminator(real: Tensor, fakes: list[Tensor], factor: float, reduction: Reduction) -> Tensor:
    """L_gan as the discriminator minimises it, AIF below eq. 3.

    Args:
        real: C(x) as logits, ``[B]``.
        fakes: logits of each kind of fake, C(D(E(x))) and C(D(z, y)), ``[B]`` each.
        factor: 1/3 in the paper, 0.3 in the authors' code.
        reduction: over the batch.
    """
    total = F.binary_cross_entropy_with_logits(real, torch.ones_like(real), reduction=reduction)
    for fake in fakes:
        total = total + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake), reduction=reduction)
    return factor * total


def generator(fakes: list[Tensor], factor: float, reduction: Reduction) -> Tensor:
    """The non-saturating loss of encoder and decoder, ``factor`` · Σ L_bce(1, C(fake)): the authors' code, factor 0.5.

    The training step never evaluates this loss (see :mod:`aif.edges`); tests check the step's gradient against it.
    """
    return factor * sum(
        (F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake), reduction=reduction) for fake in fakes),
        start=torch.zeros((), device=fakes[0].device, dtype=fakes[0].dtype),
    )


def conditional_discriminator(real: Tensor, fake: Tensor, mismatched: Tensor, known: Tensor) -> Tensor:
    """The discriminator of IcGAN (Perarnau et al. 2016, eq. 2, non-saturating), means over the batch.

    A real image with its y counts as right; a fake, and a real image with another y, count as wrong. IcGAN's eq. 2 has
    no real images with another y; its authors' code has them (``trainWrongY``), and there both wrong kinds count half.

    Args:
        real: C(x, y) as logits, ``[B]``.
        fake: C(G(z, y), y), ``[B]``.
        mismatched: C(x, y'), ``[B]``.
        known: whether y' is known to differ from y, ``[B]``.
    """
    right = F.softplus(-real).mean()
    wrong = (F.softplus(mismatched) * known).sum() / known.sum().clamp(min=1)
    return right + 0.5 * F.softplus(fake).mean() + 0.5 * wrong


def gradient_penalty(gradients: Tensor) -> Tensor:
    """R1 of Mescheder et al. 2018 ("Which training methods for GANs do actually converge?"), eq. 9, for γ = 1.

    The mean over the batch.

    Args:
        gradients: of C's logit with respect to each real image, ``[B, C, H, W]``.
    """
    return 0.5 * gradients.square().sum(dim=(1, 2, 3)).mean()


def half_squared_distance(a: Tensor, b: Tensor, reduction: Reduction) -> Tensor:
    """½ ‖a - b‖², of pixels and features (Bao et al. 2017, L_G and L_GD).

    Args:
        a: ``[B, ...]``.
        b: same shape.
        reduction: ``sum``: over the elements of a sample, averaged over the batch; ``mean``: over all elements.
    """
    return 0.5 * F.mse_loss(a, b, reduction=reduction) / (len(a) if reduction == "sum" else 1)


def covariance_to_identity(means: Tensor, variances: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The two terms of DIP-VAE (Kumar et al. 2018, eqs. 6 and 7): Σ_{i≠j} Cov_ij² and Σ_i (Cov_ii - 1)².

    Args:
        means: μ, ``[B, n_z]``; DIP-VAE I looks at their covariance over the batch.
        variances: σ², same shape: DIP-VAE II adds their mean, for the covariance of z itself.
    """
    centred = means - means.mean(0)
    with torch.autocast(means.device.type, enabled=False):  # a product of matrices would be taken in bf16
        covariance = centred.T @ centred / len(means)
    diagonal = covariance.diagonal()
    off_diagonal = covariance.square().sum() - diagonal.square().sum()
    if variances is not None:
        diagonal = diagonal + variances.mean(0)
    return off_diagonal, (diagonal - 1).square().sum()
