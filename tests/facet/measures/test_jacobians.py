"""Jacobian fidelity on linear decoders, where the Jacobian is the matrix."""

import pytest
import torch
from torch import Tensor

from facet.measures.jacobians import jacobian_error

N, K, D, PIXELS = 40, 2, 3, 7
T = torch.randn(K, PIXELS, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Z = torch.randn(D, PIXELS, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
CODES = torch.randn(N, K + D, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def error(student: Tensor, directions: str, teacher: Tensor = T) -> float:
    found = jacobian_error(lambda c: c @ student, lambda c: c @ teacher, CODES, CODES[:, :K], K, directions)
    assert found.n == (N if directions == "data" else N * K)
    return found.value


@pytest.mark.parametrize("directions", ["data", "canonical"])
def test_known_errors(directions: str) -> None:
    assert error(torch.cat([T, Z]), directions) == pytest.approx(0, abs=1e-20), "z has no part in it"
    assert error(torch.cat([torch.zeros_like(T), Z]), directions) == pytest.approx(1), "y is ignored"
    assert error(torch.cat([-T, Z]), directions) == pytest.approx(4), "y is turned round"
    assert error(torch.cat([1.5 * T, Z]), directions) == pytest.approx(0.25)


def test_canonical_directions_are_the_units() -> None:
    one_unit = T.clone()
    one_unit[1] = 0  # the second unit lost
    expected = float(T[1].square().sum() / T.square().sum())
    assert error(torch.cat([one_unit, Z]), "canonical") == pytest.approx(expected)


def test_the_data_s_directions_go_from_one_y_to_another() -> None:
    one_unit = T.clone()
    one_unit[1] = 0
    pairs = torch.randperm(N, generator=torch.Generator().manual_seed(0))
    ways = CODES[pairs, :K] - CODES[:, :K]
    expected = float((ways[:, 1:] @ T[1:]).square().sum() / (ways @ T).square().sum())
    assert error(torch.cat([one_unit, Z]), "data") == pytest.approx(expected)


def test_a_nonlinear_decoder_is_compared_where_the_codes_are() -> None:
    def curved(codes: Tensor) -> Tensor:
        return torch.sin(codes[:, :K] @ T)

    found = jacobian_error(curved, curved, CODES, CODES[:, :K], K, "data")
    assert found.value == pytest.approx(0, abs=1e-20)
    moved = CODES.clone()
    moved[:, :K] += 1
    assert jacobian_error(curved, curved, moved, CODES[:, :K], K, "data").value > 0.1
