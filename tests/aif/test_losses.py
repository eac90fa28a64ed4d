"""The losses of AIF against values worked out by hand, and their gradients against finite differences."""

import math

import pytest
import torch
from torch.autograd import gradcheck

from aif import losses

LOG2 = math.log(2)


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_reconstruction_by_hand() -> None:
    logits = torch.full((2, 3, 4, 5), logit(0.25))
    images = torch.ones(2, 3, 4, 5)
    each = -math.log(0.25)  # BCE(0.25, 1)
    assert losses.reconstruction(logits, images, "mean").item() == pytest.approx(each)
    assert losses.reconstruction(logits, images, "sum").item() == pytest.approx(each * 2 * 3 * 4 * 5 / 4**2)


def test_kl_by_hand() -> None:
    # KL[N(1, e) || N(0, 1)] = (1 + e - 1 - 1) / 2 per dimension
    mean, log_variance = torch.ones(3, 5), torch.ones(3, 5)
    each = (math.e - 1) / 2
    assert losses.kl(mean, log_variance, "mean").item() == pytest.approx(each)
    assert losses.kl(mean, log_variance, "sum").item() == pytest.approx(each * 3)  # summed, divided by n_z
    assert losses.kl(torch.zeros(2, 4), torch.zeros(2, 4), "mean").item() == 0


def test_kl_agrees_with_torch() -> None:
    mean, log_variance = torch.randn(6, 7), torch.randn(6, 7)
    q = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    p = torch.distributions.Normal(torch.zeros(6, 7), torch.ones(6, 7))
    expected = torch.distributions.kl_divergence(q, p).mean()
    torch.testing.assert_close(losses.kl(mean, log_variance, "mean"), expected)


def test_classification_is_the_mean_over_known_labels() -> None:
    logits = torch.tensor([[logit(0.8), 0.0], [logit(0.4), 5.0]])
    labels = torch.tensor([[1.0, 0.0], [0.0, float("nan")]])
    expected = -(math.log(0.8) + math.log(0.5) + math.log(0.6)) / 3
    assert losses.classification(logits, labels).item() == pytest.approx(expected)
    unknown = torch.full((2, 2), float("nan"))
    assert losses.classification(logits, unknown).item() == 0


def test_discriminator_and_generator_by_hand() -> None:
    real, fakes = torch.tensor([logit(0.9)] * 4), [torch.tensor([logit(0.2)] * 4), torch.tensor([logit(0.5)] * 4)]
    each = -math.log(0.9) - math.log(0.8) - math.log(0.5)
    assert losses.discriminator(real, fakes, 1 / 3, "mean").item() == pytest.approx(each / 3)
    assert losses.discriminator(real, fakes, 0.3, "sum").item() == pytest.approx(0.3 * each * 4)
    wanted = -math.log(0.2) - math.log(0.5)
    assert losses.generator(fakes, 0.5, "mean").item() == pytest.approx(0.5 * wanted)
    assert losses.generator(fakes, 0.5, "sum").item() == pytest.approx(0.5 * wanted * 4)


def test_confused_auxiliary_costs_the_entropy() -> None:
    assert losses.classification(torch.zeros(10, 1), torch.ones(10, 1)).item() == pytest.approx(LOG2)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_gradients_agree_with_finite_differences(reduction: losses.Reduction) -> None:
    def double(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=torch.float64, requires_grad=True)

    images = torch.rand(2, 1, 4, 4, dtype=torch.float64)
    labels = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    assert gradcheck(lambda x: losses.reconstruction(x, images, reduction), double(2, 1, 4, 4))
    assert gradcheck(lambda m, v: losses.kl(m, v, reduction), (double(2, 3), double(2, 3)))
    assert gradcheck(lambda x: losses.classification(x, labels), double(2, 1))
    assert gradcheck(lambda r, f: losses.discriminator(r, [f, f + 1], 0.3, reduction), (double(3), double(3)))
    assert gradcheck(lambda f: losses.generator([f], 0.5, reduction), double(3))
    known = torch.tensor([True, False, True])
    each = (double(3), double(3), double(3))
    assert gradcheck(lambda r, f, m: losses.conditional_discriminator(r, f, m, known), each)
    assert gradcheck(losses.gradient_penalty, double(2, 3, 2, 2))


def test_conditional_discriminator_by_hand() -> None:
    real, fake = torch.tensor([logit(0.9)] * 2), torch.tensor([logit(0.2)] * 2)
    mismatched, known = torch.tensor([logit(0.5), 7.0]), torch.tensor([True, False])
    expected = -math.log(0.9) - 0.5 * math.log(0.8) - 0.5 * math.log(0.5)
    assert losses.conditional_discriminator(real, fake, mismatched, known).item() == pytest.approx(expected)
    nobody = losses.conditional_discriminator(real, fake, mismatched, torch.tensor([False, False]))
    assert nobody.item() == pytest.approx(expected + 0.5 * math.log(0.5))


def test_gradient_penalty_by_hand() -> None:
    gradients = torch.stack([torch.full((3, 2, 2), 0.5), torch.zeros(3, 2, 2)])
    assert losses.gradient_penalty(gradients).item() == pytest.approx(0.5 * (12 * 0.25) / 2)


def test_covariances_are_not_taken_in_bf16() -> None:
    means = torch.randn(64, 8)
    plain = losses.covariance_to_identity(means)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(losses.covariance_to_identity(means), plain, rtol=0, atol=0)
