"""Equations 7 to 10: values by hand, gradients by finite differences, exactness on a linear decoder."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from jacsup import losses
from jacsup.teacher import swap

B, K, D, PIXELS = 6, 2, 3, 12


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_norms_are_those_of_the_paper(reduction: losses.Reduction) -> None:
    one, other = noise(B, 1, 3, 4), noise(B, 1, 3, 4, seed=1)
    by_hand = sum(float((one[i] - other[i]).norm() ** 2) for i in range(B)) / B
    expected = by_hand if reduction == "sum" else by_hand / PIXELS
    assert losses.reconstruction(one, other, reduction).item() == pytest.approx(expected)
    assert losses.code_agreement(one, other, reduction).item() == pytest.approx(expected)
    assert losses.difference_agreement(one, other, reduction).item() == pytest.approx(expected)


def test_cross_covariance_is_the_sum_over_all_pairs_of_units() -> None:
    z, y = noise(B, D), noise(B, K, seed=1)
    by_hand = 0.0
    for i in range(D):
        for j in range(K):
            by_hand += float(((z[:, i] - z[:, i].mean()) * (y[:, j] - y[:, j].mean())).sum() / B) ** 2
    assert losses.cross_covariance(z, y).item() == pytest.approx(by_hand)
    assert losses.cross_covariance(z, y, root=True).item() == pytest.approx(by_hand**0.5)


def test_cross_covariance_vanishes_for_independent_codes_and_does_not_see_a_shift() -> None:
    y = torch.tensor([[-1.0], [-1.0], [1.0], [1.0]], dtype=torch.float64)
    z = torch.tensor([[-1.0], [1.0], [-1.0], [1.0]], dtype=torch.float64)
    assert losses.cross_covariance(z, y).item() == pytest.approx(0)
    assert losses.cross_covariance(y, y).item() == pytest.approx(1)
    assert losses.cross_covariance(y + 5, y - 3).item() == pytest.approx(1)


def equation_9(parameters: Tensor, change: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Tensor:
    """Both terms of eq. 9 for a small nonlinear student with all its parameters in one vector."""
    encoder, decoder = parameters[: 4 * (K + D)].view(4, K + D), parameters[4 * (K + D) :].view(K + D, PIXELS)
    code = (noise(B, 4, seed=5) @ encoder).tanh()
    pairs = torch.tensor([1, 2, 3, 4, 5, 0])
    student = change(code, swap(code, pairs, K), decoder)
    y = losses.code_agreement(code[:, :K], noise(B, K, seed=6), "sum")
    return 0.1 * y + losses.difference_agreement(student, noise(B, PIXELS, seed=7), "sum")


def by_difference(code: Tensor, swapped: Tensor, decoder: Tensor) -> Tensor:
    return (swapped @ decoder).tanh() - (code @ decoder).tanh()


def exactly(code: Tensor, swapped: Tensor, decoder: Tensor) -> Tensor:
    return losses.directional(lambda c: (c @ decoder).tanh(), code, swapped - code)


@pytest.mark.parametrize("change", [by_difference, exactly])
def test_the_gradient_of_equation_9_by_finite_differences(change: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    parameters = noise(4 * (K + D) + (K + D) * PIXELS, seed=8).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: equation_9(p, change), parameters)


def test_equation_7_holds_exactly_on_linear_decoders() -> None:
    """Where eqs. 5 and 6 hold, so does eq. 7, and a linear decoder has no remainder."""
    teacher = noise(K, PIXELS)
    student = torch.cat([teacher, noise(D, PIXELS, seed=1)])
    y, z, pairs = noise(B, K, seed=2), noise(B, D, seed=3), torch.tensor([3, 0, 5, 1, 2, 4])
    code = torch.cat([y, z], dim=1)
    change = swap(code, pairs, K) @ student - code @ student
    assert losses.difference_agreement(change, y[pairs] @ teacher - y @ teacher, "sum").item() < 1e-24
    left = losses.directional(lambda c: c @ student, code, swap(code, pairs, K) - code)
    right = losses.directional(lambda c: c @ teacher, y, y[pairs] - y)
    torch.testing.assert_close(left, right)
    torch.testing.assert_close(left, change)


def test_swapping_takes_the_first_units_of_the_pair() -> None:
    codes = torch.arange(6.0).view(3, 2)
    assert swap(codes, torch.tensor([2, 0, 1]), 1).tolist() == [[4, 1], [0, 3], [2, 5]]
    assert torch.equal(swap(codes, torch.tensor([2, 0, 1]), 2), codes[[2, 0, 1]])


NAN = float("nan")


def test_the_hinge_is_that_of_equation_11_and_leaves_out_what_is_unknown() -> None:
    y = torch.tensor([[0.5, -2.0, 3.0], [-0.25, 0.0, 9.0]])
    labels = torch.tensor([[1.0, -1.0, -1.0], [-1.0, 1.0, NAN]])
    by_hand = 0.5 + 0.0 + 4.0 + 0.75 + 1.0
    assert losses.hinge(y, labels, "mean").item() == pytest.approx(by_hand / 5)
    assert losses.hinge(y, labels, "sum").item() == pytest.approx(by_hand / 2)


def test_the_hinge_of_a_cycle_is_zero_once_the_attribute_is_read_with_a_margin() -> None:
    """Eq. 12 against real values: y = .5 asks for y* of 2, y = -4 for -.25."""
    target = torch.tensor([[0.5, -4.0]])
    assert losses.hinge(torch.tensor([[2.0, -0.25]]), target, "sum").item() == pytest.approx(0)
    assert losses.hinge(torch.tensor([[1.0, 0.0]]), target, "sum").item() == pytest.approx(1.5)


def test_the_cycle_of_the_nuisance_is_squared_in_the_paper_and_not_in_the_code() -> None:
    z, again = noise(B, 2, 2, 2), noise(B, 2, 2, 2, seed=1)
    total = sum(float((z[i] - again[i]).norm() ** 2) for i in range(B))
    assert losses.cycle_nuisance(z, again).item() == pytest.approx(total / B)
    assert losses.cycle_nuisance(z, again, root=True).item() == pytest.approx(total**0.5 / B)
