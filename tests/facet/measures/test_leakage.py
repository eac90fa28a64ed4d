"""Usable information on codes whose information is known: none, all, in closed form, hidden, doubled."""

import math

import pytest
import torch
from torch import Tensor

from facet.measures.leakage import entropy, leakage, stratified

NAN = float("nan")


def sample(count: int, width: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Standard normal codes and balanced labels that have nothing to do with them."""
    labels = (torch.arange(count) % 2).float()
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)), labels


def two_gaussians_bits(mean: float) -> float:
    """I(z; y) of N(±mean, 1) and balanced y: E[KL(p(z|y) ‖ p(z))], by the trapezoidal rule."""
    z = torch.linspace(-15, 15, 30001, dtype=torch.float64)
    density = torch.exp(-((z - mean) ** 2) / 2) / math.sqrt(2 * math.pi)
    # By symmetry one of the two classes is enough; p(y|z) is a sigmoid of 2·mean·z.
    information = density * (1.0 + torch.nn.functional.logsigmoid(2 * mean * z) / math.log(2))
    return float(torch.trapezoid(information, z))


def test_no_information() -> None:
    result = leakage(*sample(2000, 32))
    assert result.bits < 0.02
    assert result.bits == max(0.0, *result.probe_bits.values())
    assert all(-0.02 < bits < 0.02 for bits in result.probe_bits.values())
    assert all(abs(auc - 0.5) < 0.05 for auc in result.auc.values())


def test_full_information() -> None:
    codes, labels = sample(1000, 8)
    codes[:, 3] = 1e-3 * labels + 7  # hidden in size, not in content
    result = leakage(codes, labels)
    assert result.entropy_bits == 1.0
    assert all(0.95 < bits <= 1.0 for bits in result.probe_bits.values())
    assert result.auc == {"linear": 1.0, "mlp": 1.0}


@pytest.mark.parametrize("mean", [0.5, 1.0, 2.0])
def test_gaussians_in_closed_form(mean: float) -> None:
    codes, labels = sample(4000, 16)
    codes[:, 0] += mean * (2 * labels - 1)
    truth = two_gaussians_bits(mean)
    result = leakage(codes, labels, probes=("linear",))
    assert result.bits == pytest.approx(truth, abs=0.05)
    # The AUC of two Gaussians a distance 2·mean apart is Φ(√2·mean).
    assert result.auc["linear"] == pytest.approx((1 + math.erf(mean)) / 2, abs=0.02)


def test_gaussians_by_mlp_and_doubled() -> None:
    codes, labels = sample(1500, 4)
    codes[:, 0] += 2 * labels - 1
    once, twice = leakage(codes, labels), leakage(torch.cat([codes, codes], dim=1), labels)
    for probe in ("linear", "mlp"):
        assert once.probe_bits[probe] == pytest.approx(two_gaussians_bits(1.0), abs=0.05)
        assert twice.probe_bits[probe] == pytest.approx(once.probe_bits[probe], abs=0.05)


def test_xor_is_hidden_from_the_linear_probe_alone() -> None:
    # Among idle coordinates, so that an MLP needs some epochs before its loss shows anything.
    codes, labels = sample(1200, 40)
    signs = codes[:, 0].sign()
    codes[:, 0] = signs + 0.1 * codes[:, 0]
    codes[:, 1] = signs * (1 - 2 * labels) + 0.1 * codes[:, 1]
    result = leakage(codes, labels)
    assert result.probe_bits["linear"] < 0.05
    assert result.probe_bits["mlp"] > 0.9
    assert result.bits == result.probe_bits["mlp"]


def test_entropy() -> None:
    assert entropy(torch.tensor([1.0, 0.0, 0.0, 0.0])) == pytest.approx(2 - 0.75 * math.log2(3))
    assert entropy(torch.ones(5)) == 0.0


def test_unbalanced_labels_and_unknown_ones() -> None:
    codes, _ = sample(1200, 4)
    labels = (torch.arange(1200) % 10 == 0).float()
    codes[:, 0] = labels
    labels[600:] = NAN
    codes[600:] = NAN  # what has no label isn't looked at
    result = leakage(codes, labels, probes=("linear",))
    assert result.n == 600
    assert result.entropy_bits == pytest.approx(-0.1 * math.log2(0.1) - 0.9 * math.log2(0.9))
    assert 0.9 * result.entropy_bits < result.bits <= result.entropy_bits


@pytest.mark.parametrize(("shift", "truth"), [(0.0, 0.5), (2.0, 0.841), (20.0, 1.0)])
def test_a_rare_label_s_balanced_accuracy_is_that_of_even_classes(shift: float, truth: float) -> None:
    """Two Gaussians a distance d apart are told apart in Φ(d / 2), whatever their shares; the bits shrink with them."""
    codes, _ = sample(4000, 2)
    labels = (torch.arange(4000) % 40 == 0).float()
    codes[:, 0] += shift * labels
    result = leakage(codes, labels, probes=("linear",))
    assert result.balanced_accuracy["linear"] == pytest.approx(truth, abs=0.06)
    assert result.bits <= result.entropy_bits < 0.17
    assert (result.n, result.n_on) == (4000, 100)


def test_one_label_only() -> None:
    codes, labels = sample(100, 4)
    result = leakage(codes, torch.zeros_like(labels), probes=("linear",))
    assert (result.bits, result.entropy_bits) == (0.0, 0.0)
    assert math.isnan(result.auc["linear"])
    assert math.isnan(result.balanced_accuracy["linear"])


def test_seed_decides_alone() -> None:
    codes, labels = sample(200, 3)
    codes[:, 0] += labels
    before = torch.get_rng_state()
    first = leakage(codes, labels)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(12345)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert leakage(codes + 0, labels) == first
    assert leakage(codes, labels, seed=1) != first


def test_scale_and_dead_coordinates_do_not_matter() -> None:
    codes, labels = sample(400, 3)
    codes[:, 0] += labels
    dead = torch.full((400, 1), 0.1)
    plain = leakage(codes, labels, probes=("linear",)).bits
    scaled = leakage(torch.cat([codes * torch.tensor([1e-4, 1.0, 1e4]) + 2, dead], dim=1), labels, probes=("linear",))
    assert scaled.bits == pytest.approx(plain, abs=0.01)


def test_parts_are_even_in_size_and_labels() -> None:
    labels = (torch.arange(103) < 17).float()
    part = stratified(labels, 5, torch.Generator().manual_seed(0))
    sizes, ones = part.bincount(minlength=5), part[labels == 1].bincount(minlength=5)
    assert sizes.max() - sizes.min() <= 1
    assert ones.max() - ones.min() <= 1
    assert not torch.equal(part, stratified(labels, 5, torch.Generator().manual_seed(1)))


def test_errors_say_what_is_wrong() -> None:
    codes, labels = sample(100, 4)
    with pytest.raises(ValueError, match="expected codes"):
        leakage(codes, labels[:50])
    with pytest.raises(ValueError, match="probes among"):
        leakage(codes, labels, probes=("forest",))
    with pytest.raises(ValueError, match="too few for 5 folds"):
        leakage(codes[:19], labels[:19])
    codes[3, 2] = torch.inf
    with pytest.raises(ValueError, match="diverged"):
        leakage(codes, labels)
