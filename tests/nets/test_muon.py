"""Muon: what its steps are, whatever the gradient's scale, and what it leaves to Adam."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from nets.muon import Muon, orthogonal


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.Flatten(), nn.Linear(16 * 4, 20), nn.Linear(20, 1))


def gradients(some: nn.Module, seed: int, scale: float = 1.0) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in some.parameters():
        parameter.grad = scale * torch.randn(parameter.shape, generator=generator)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(16, 400), (400, 16), (64, 64), (128, 1152)])
def test_a_step_is_nearly_the_polar_factor(shape: tuple[int, int], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape) * torch.logspace(0, -1, shape[1])
    found = orthogonal(matrix, dtype)
    left, singular, right = torch.linalg.svd(matrix, full_matrices=False)
    inner = left.T @ found @ right.T  # diagonal: the same directions, with singular values near 1
    assert torch.allclose(inner, inner.diagonal().diag(), atol=2e-3 if dtype == torch.float32 else 0.06)
    assert inner.diagonal()[singular > matrix.norm() / 200].min() > 0.65
    assert inner.diagonal().max() < 1.25


def test_a_gradient_of_nothing_is_no_step() -> None:
    assert not orthogonal(torch.zeros(16, 20)).any()


def test_the_scale_of_gradients_does_not_matter_to_kernels() -> None:
    one, other = network(), network()
    for some, scale in ((one, 1.0), (other, 1000.0)):
        optimizer = Muon(some.parameters(), kernel_lr=0.1)
        for seed in range(3):
            gradients(some, seed, scale)
            optimizer.step()
    torch.testing.assert_close(one[0].weight, other[0].weight, rtol=1e-3, atol=1e-4)
    assert not torch.equal(one[0].weight, network()[0].weight)


def test_all_but_large_kernels_are_adams() -> None:
    ours, adams = network(), network()
    ours[2], adams[2] = (nn.Sequential(nn.Conv2d(16, 8, 1, bias=False), nn.Flatten()) for _ in range(2))
    adams.load_state_dict(ours.state_dict())
    few = [name for name, parameter in ours.named_parameters() if name != "0.weight"]
    assert {"2.0.weight", "3.weight", "4.weight"} < set(few)  # a small kernel, and linear layers of any size
    muon = Muon(ours.parameters(), lr=0.01, betas=(0.5, 0.9), eps=1e-7)
    adam = torch.optim.Adam([dict(adams.named_parameters())[name] for name in few], 0.01, (0.5, 0.9), 1e-7)
    for seed in range(4):
        gradients(ours, seed), gradients(adams, seed)
        muon.step(), adam.step()
    for name in few:
        torch.testing.assert_close(dict(ours.named_parameters())[name], dict(adams.named_parameters())[name])


def test_it_goes_on_from_its_state() -> None:
    straight = network()
    optimizer = Muon(straight.parameters())
    for seed in range(2):
        gradients(straight, seed)
        optimizer.step()
    resumed = copy.deepcopy(straight)
    again = Muon(resumed.parameters())
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for some, of in ((straight, optimizer), (resumed, again)):
        gradients(some, 7)
        of.step()
    for one, other in zip(straight.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_under_autocast_matrices_are_multiplied_in_its_type() -> None:
    plain, half, other = (network() for _ in range(3))
    for some, dtype in ((plain, None), (half, torch.bfloat16), (other, torch.float16)):
        gradients(some, 0)
        with torch.autocast("cpu", dtype, enabled=dtype is not None):
            Muon(some.parameters()).step()
    assert torch.equal(plain[0].weight, other[0].weight)  # float16 has too small a range
    assert not torch.equal(plain[0].weight, half[0].weight)
    torch.testing.assert_close(plain[0].weight, half[0].weight, rtol=0, atol=2e-3)


def test_parameters_without_a_gradient_stay() -> None:
    some = network()
    before = copy.deepcopy(some.state_dict())
    gradients(some, 0)
    some[0].weight.grad = some[1].bias.grad = None
    Muon(some.parameters()).step()
    stayed = {name for name, value in some.state_dict().items() if torch.equal(value, before[name])}
    assert {"0.weight", "1.bias"} == stayed - {"1.running_mean", "1.running_var", "1.num_batches_tracked"}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("layer", [nn.Conv2d(16, 32, 3), nn.ConvTranspose2d(48, 16, 1), nn.Conv1d(8, 64, 2)])
def test_a_step_has_the_size_that_was_asked_for(layer: nn.Module, layout: torch.memory_format) -> None:
    """Of a tall matrix more, so that its output changes as much as a wide one's."""
    some = copy.deepcopy(layer)
    if some.weight.ndim == 4:
        some.to(memory_format=layout)
    before = some.weight.detach().clone()
    rows, columns = before.flatten(1).shape
    gradients(some, 0)
    Muon(some.parameters(), kernel_lr=0.5).step()
    changes = torch.linalg.svdvals((before - some.weight).flatten(1)) / 0.5 / max(1, rows / columns) ** 0.5
    assert changes.min() > 0.65
    assert changes.max() < 1.25


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("layer", [nn.Conv2d(16, 32, 3), nn.ConvTranspose2d(64, 16, 1)])
def test_a_step_goes_down_the_momentum_looked_ahead(layer: nn.Module, layout: torch.memory_format) -> None:
    some = copy.deepcopy(layer).to(memory_format=layout)
    optimizer = Muon(some.parameters(), kernel_lr=0.1, momentum=0.8)
    mean = torch.zeros_like(layer.weight)
    expected = layer.weight.detach().clone()
    for seed in range(2):
        gradients(some, seed)
        gradient = some.weight.grad.clone()
        mean = 0.8 * mean + 0.2 * gradient
        rows, columns = gradient.flatten(1).shape
        direction = orthogonal((0.2 * gradient + 0.8 * mean).flatten(1)).view_as(gradient)
        expected -= 0.1 * max(1, rows / columns) ** 0.5 * direction
        optimizer.step()
    torch.testing.assert_close(some.weight.detach(), expected, check_stride=False, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("wrong", [{"lr": 0.0}, {"momentum": 1.0}, {"kernel_lr": -1.0}, {"betas": (0.9, 1.0)}])
def test_numbers_outside_their_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).replace("betas", "beta2")):
        Muon(network().parameters(), **wrong)  # type: ignore[arg-type]
