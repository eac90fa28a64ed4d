"""What a step on faces adds up and moves, written out by hand."""

from __future__ import annotations

import copy
import functools
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from growing_faces import Bars, module
from torch import Tensor, nn

TEACHER = {"reconstruction": 3.0, "prediction": 0.5, "covariance": 0.7, "cycle_attributes": 0.2, "cycle_nuisance": 0.05}
STUDENT = {"reconstruction": 2.0, "prediction": 0.3, "covariance": 0.1, "code": 0.4, "difference": 5.0}
RATE = 1e-3


def batch() -> dict[str, Tensor]:
    images, labels = Bars().tensors("train")
    return {"image": images[:8].float() / 255, "attributes": labels[:8]}


def at(stage: int, **settings: Any) -> Any:
    """A model whose statistics have moved, in a stage: 0 and 1 are the teacher's, 2 is the first student's."""
    model = module(**settings)
    with torch.no_grad():
        for _ in range(3):
            model.network.encode(2 * batch()["image"] - 1)
        for opened in (0, 2)[:stage]:
            model.grow(opened)
        if stage == 2:  # a student that has moved away from its teacher
            for parameter in model.network.parameters():
                parameter.add_(0.02 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    return model


def by_itself(model: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """Let a module take plain gradient steps without a trainer; what it logs."""
    logged: dict[str, Tensor] = {}
    sgd = functools.partial(torch.optim.SGD, lr=RATE)
    optimizers = [sgd(part.parameters()) for part in (model.network.encoder, model.network.decoder)]
    monkeypatch.setattr(model, "optimizers", lambda: optimizers)
    monkeypatch.setattr(model, "manual_backward", lambda loss: loss.backward())
    monkeypatch.setattr(model, "log_dict", logged.update)
    return logged


def step(network: nn.Module, terms: dict[str, Tensor], weights: dict[str, float]) -> None:
    """A plain gradient step of a network on the weighted sum."""
    total = torch.stack([weights.get(name, 0.0) * term for name, term in terms.items()]).sum()
    gradients = torch.autograd.grad(total, list(network.parameters()), allow_unused=True)
    with torch.no_grad():
        for parameter, gradient in zip(network.parameters(), gradients, strict=True):
            parameter -= RATE * (0 if gradient is None else gradient)


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_a_step_is_of_the_weighted_sum_and_the_cycles_are_a_second_one_of_the_decoder(
    stage: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every loss has a weight of its own, so that none can stand in for another."""
    student = STUDENT | {"cycle_nuisance": 0.05}
    model = at(stage, teacher=TEACHER, student=student).train()
    other = copy.deepcopy(model)
    logged = by_itself(model, monkeypatch)
    torch.manual_seed(7)
    model.training_step(batch(), 0)

    weights = student if stage == 2 else TEACHER
    images, labels = 2 * batch()["image"] - 1, 2 * batch()["attributes"] - 1
    torch.manual_seed(7)
    terms = other.step_losses(images, labels)
    step(other.network, terms, weights)
    if stage:
        cycles = other.cycle_losses(images)
        step(other.network.decoder, cycles, weights)
        terms |= cycles
    for name, value in terms.items():
        torch.testing.assert_close(logged[f"train/{name}"], value.detach())
    assert len(logged) == len(terms)
    for (name, one), expected in zip(model.network.named_parameters(), other.network.parameters(), strict=True):
        torch.testing.assert_close(one, expected, msg=name)


@pytest.mark.parametrize("clip", [None, 0.01, 1e6])
def test_a_gradient_is_clipped_where_it_is_too_long(clip: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    model = at(0, gradient_clip=clip, teacher=TEACHER | {"cycle_attributes": 0.0, "cycle_nuisance": 0.0})
    before = [parameter.detach().clone() for parameter in model.network.parameters()]
    by_itself(model, monkeypatch)
    model.training_step(batch(), 0)
    moved = [after.detach() - old for after, old in zip(model.network.parameters(), before, strict=True)]
    length = torch.stack([change.norm() for change in moved]).norm().item() / RATE
    assert length == pytest.approx(0.01, rel=1e-2) if clip == 0.01 else length > 0.1


@pytest.mark.parametrize(("weights", "supervised"), [((0.0, 1.0), True), ((1.0, 0.0), True), ((0.0, 0.0), False)])
def test_one_weight_of_eq_9_is_enough_for_a_teacher(weights: tuple[float, float], supervised: bool) -> None:
    model = at(2, student=STUDENT | {"code": weights[0], "difference": weights[1]})
    assert (model.teacher is not None) == supervised


def test_what_a_validation_counts_is_on_the_public_scale_and_of_known_labels() -> None:
    model = at(2).train().eval()
    images, labels = batch().values()
    with torch.no_grad():
        model.validation_step(batch(), 0)
        inside, pairs = 2 * images - 1, torch.arange(8).roll(1)
        y, z = model.network.encode(inside)
        y_t, z_t = model.teacher.encode(inside)
        decode, teach = model.network.decode, model.teacher.decode
        expected = {
            "mse": F.mse_loss((decode(y, z) + 1) / 2, images),
            "accuracy": ((y > 0) == (labels == 1))[~labels.isnan()].float().mean(),
            "code": F.mse_loss(y, y_t),
            "difference": F.mse_loss(decode(y[pairs], z) - decode(y, z), teach(y_t[pairs], z_t) - teach(y_t, z_t)),
        }
    assert labels.isnan().any()
    assert min(expected.values()) > 1e-6
    for name, value in expected.items():
        torch.testing.assert_close(model.validation[name].compute(), value, rtol=1e-4, atol=0)


def test_a_student_that_trains_has_a_teacher_in_evaluation_mode() -> None:
    model = at(2).train()
    assert model.network.training
    assert not any(part.training for part in model.teacher.modules())
