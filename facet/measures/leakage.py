"""Leakage: the usable information that a code holds about a label, measured by newly trained probes.

The paper's claim is H(y|z) ≈ H(y): the code holds no information about the attribute. The auxiliary network's failure
to read y from z does not prove it, because the encoder was trained to fool this network. A probe that is trained
afterwards on the frozen code tests it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.functional.classification import binary_auroc

from facet.measures.probes import PROBES, fit_probe


@dataclass(frozen=True)
class Leakage:
    """The information about a label that probes read from a code.

    Attributes:
        bits: the reported I_V(z→y): that of the best probe, between 0 and ``entropy_bits``.
        probe_bits: measured value of each probe; below 0 if it overfits by more than the information in the code.
        auc: of each probe, the area under the ROC curve of the pooled out-of-fold predictions; 0.5 is chance, NaN if
            only one label occurs.
        balanced_accuracy: of each probe, which predicts 1 where it finds this likelier than without the code; 0.5 is
            chance, however rare the label is, NaN if only one label occurs.
        entropy_bits: H(y), the most that a code can hold.
        n: number of samples with a known label.
        n_on: number of samples with the label 1.
    """

    bits: float
    probe_bits: dict[str, float]
    auc: dict[str, float]
    balanced_accuracy: dict[str, float]
    entropy_bits: float
    n: int
    n_on: int

    def as_dict(self) -> dict[str, object]:
        """The fields as plain numbers, for JSON."""
        return {
            "bits": self.bits,
            "probe_bits": dict(self.probe_bits),
            "auc": dict(self.auc),
            "balanced_accuracy": dict(self.balanced_accuracy),
            "entropy_bits": self.entropy_bits,
            "n": self.n,
            "n_on": self.n_on,
        }


FOLDS, PER_FOLD = 5, 4
FEWEST = FOLDS * PER_FOLD
"""Number of known labels below which leakage can't be measured."""


def entropy(labels: Tensor) -> float:
    """H(y) = -p log₂ p - (1 - p) log₂(1 - p) in bits, p the share of ones among labels ``[N]`` in {0, 1}."""
    share = float(labels.double().mean())
    return -sum(p * math.log2(p) for p in (share, 1.0 - share) if p > 0.0)


def leakage(
    codes: Tensor,
    labels: Tensor,
    seed: int = 0,
    folds: int = FOLDS,
    probes: Sequence[str] = PROBES,
) -> Leakage:
    """Usable information I_V(z→y) = H(y) - H_V(y|z) in bits (Xu et al. 2020, "A Theory of Usable Information Under
    Computational Constraints", ICLR, definitions 1 and 2).

    H_V(y|z) is the cross-entropy -E log₂ q(y|z) of the best q in a family V of probes. It is estimated by probes that
    are fitted to the other folds (:func:`~facet.measures.probes.fit_probe`). Apart from chance the estimate is never
    too low, and the information never too high: with a better probe the leakage would only be larger. Linear probes
    find information that is linearly readable, MLPs also other information.

    The folds are stratified. The folds, the probes' initial weights and their batches depend on ``seed`` alone; the
    global random state is neither read nor changed. Runs in float32 on the codes' device, also under
    ``inference_mode`` and ``autocast``.

    Args:
        codes: z, ``[N, d]``, on any scale.
        labels: y, ``[N]`` in {0, 1}; NaN where unknown (left out).
        seed: of folds and probes.
        folds: of the cross-validation, 2 or more.
        probes: ``linear``, ``mlp`` or both.

    Raises:
        ValueError: shapes do not match, codes are not finite, a probe is unknown, or there are fewer than 4 known
            labels per fold.
    """
    if codes.ndim != 2 or labels.shape != codes.shape[:1]:
        shapes = f"{tuple(codes.shape)} and {tuple(labels.shape)}"
        raise ValueError(f"leakage: expected codes [N, d] and labels [N], got {shapes}")
    if folds < 2 or not probes or not set(probes) <= set(PROBES):
        raise ValueError(f"leakage: needs 2 folds or more and probes among {PROBES}, got {folds} and {tuple(probes)}")
    # Outside inference mode, and on copies, because probes need gradients.
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast(codes.device.type, enabled=False):
        known = ~labels.isnan()
        codes, labels = codes.detach()[known].clone().float(), labels.detach()[known].clone().float()
        if not codes.isfinite().all():
            raise ValueError("leakage: the codes contain NaN or infinite values; the model has diverged")
        if len(labels) < PER_FOLD * folds:
            raise ValueError(f"leakage: {len(labels)} known labels are too few for {folds} folds ({PER_FOLD} for each)")
        entropy_bits = entropy(labels)
        logits = {probe: _out_of_fold(codes, labels, probe, seed, folds) for probe in probes}
        nats = {name: float(F.binary_cross_entropy_with_logits(out, labels.double())) for name, out in logits.items()}
        bits = {name: entropy_bits - value / math.log(2) for name, value in nats.items()}
        auc = {name: _auc(out, labels) for name, out in logits.items()}
        accuracy = {name: _balanced_accuracy(out, labels) for name, out in logits.items()}
    return Leakage(max(0.0, *bits.values()), bits, auc, accuracy, entropy_bits, len(labels), int(labels.sum()))


def stratified(labels: Tensor, parts: int, generator: torch.Generator) -> Tensor:
    """The part of each sample, ``[N]``, in a random partition that divides each label evenly among the parts.

    Otherwise the base rates would differ between folds, and a probe without information would score an AUC below 0.5.

    Args:
        labels: ``[N]`` in {0, 1}.
        parts: number of parts; their sizes differ by one at most.
        generator: on the CPU, so that every device gets the same parts.
    """
    order = torch.randperm(len(labels), generator=generator).to(labels.device)
    by_label = order[torch.argsort(labels[order], stable=True)]
    part = torch.empty_like(order)
    part[by_label] = torch.arange(len(labels), device=labels.device) % parts
    return part


def _out_of_fold(codes: Tensor, labels: Tensor, probe: str, seed: int, folds: int) -> Tensor:
    """The logit of every sample, ``[N]`` in float64, from the probe that was fitted without the sample's fold."""
    generator = torch.Generator().manual_seed(seed)
    fold = stratified(labels, folds, generator)
    logits = torch.empty(len(labels), dtype=torch.float64, device=labels.device)
    for held_out in range(folds):
        outside = fold != held_out
        # A fifth of the training samples decides when to stop.
        validation = stratified(labels[outside], 5, generator) == 0
        fitted = fit_probe(probe, codes[outside], labels[outside], validation, generator)
        logits[~outside] = fitted(codes[~outside]).double()
    return logits


def _auc(logits: Tensor, labels: Tensor) -> float:
    if labels.min() == labels.max():
        return math.nan
    # In float64, because binary_auroc's sigmoid in float32 would make confident predictions equal.
    return float(binary_auroc(logits.sigmoid(), labels.long(), validate_args=False))


def _balanced_accuracy(logits: Tensor, labels: Tensor) -> float:
    """½ (TP / P + TN / N) of the prediction 1 where the probe's probability is above the share of ones."""
    # Above ½ instead, a probe of a rare label would predict 0 for everything, whatever the code tells.
    ones = labels == 1
    read = logits > labels.double().mean().logit()
    return float((read[ones].double().mean() + (~read[~ones]).double().mean()) / 2)
