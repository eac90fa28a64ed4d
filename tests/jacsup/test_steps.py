"""What a step on digits adds up and moves, written out by hand."""

from __future__ import annotations

import copy
import functools
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from growing_digits import BATCH, SIZE, Pictures, module
from torch import Tensor

from jacsup.teacher import swap

IMAGES = Pictures().tensors("train")[0].float() / 255
INDEX = torch.arange(4, 4 + BATCH)


def student(**settings: Any) -> Any:
    """The second student of a teacher whose statistics have moved, and that has looked at the images."""
    model = module(**settings)
    with torch.no_grad():
        for _ in range(20):
            model.network.encode(IMAGES)
    for _ in range(2):
        model.grow()
        with torch.no_grad():  # a student that has moved away from its teacher
            for parameter in model.network.parameters():
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    model.teacher.cache_outputs(IMAGES.split(10))
    return model


def by_hand(model: Any, units: int, exact: bool = False) -> dict[str, Tensor]:
    """Eqs. 8 to 10, summed as the paper has them: the student's part with its gradient, the teacher's without."""
    images, pairs = IMAGES[INDEX], torch.randperm(BATCH)
    code = model.network.encode(images)
    swapped = torch.cat([code[pairs, :units], code[:, units:]], 1)
    teacher = model.teacher.network
    with torch.no_grad():
        theirs = teacher.encode(images)
        their_swapped = torch.cat([theirs[pairs, :units], theirs[:, units:]], 1)
    decode = model.network.decode
    if exact:
        change = torch.func.jvp(decode, (code,), (swapped - code,))[1]
        their_change = torch.func.jvp(teacher.decode, (theirs,), (their_swapped - theirs,))[1]
    else:
        change = decode(swapped) - decode(code)
        their_change = teacher.decode(their_swapped) - teacher.decode(theirs)
    y, z = code[:, :units], code[:, units:]
    covariance = (z - z.mean(0)).T @ (y - y.mean(0)) / BATCH
    return {
        "code": (y - theirs[:, :units]).square().sum() / BATCH,
        "difference": (change - their_change.detach()).square().sum() / BATCH,
        "reconstruction": (decode(code) - images).square().sum() / BATCH,
        "covariance": covariance.square().sum(),
    }


@pytest.mark.parametrize(("swapped_units", "units"), [("code", 3), ("first", 2)])
@pytest.mark.parametrize("derivative", ["difference", "exact"])
def test_a_students_losses_and_their_gradients_are_those_of_the_paper(
    derivative: Any, swapped_units: Any, units: int
) -> None:
    model = student(swapped_units=swapped_units, derivative=derivative)
    torch.manual_seed(7)
    expected = by_hand(model, units, exact=derivative == "exact")
    torch.manual_seed(7)
    found = model.step_losses(IMAGES[INDEX], INDEX)
    assert found.keys() == expected.keys()
    parameters = [p for name, p in model.network.named_parameters() if "normalisation" not in name]
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)
        assert value > 1e-4
        ours, theirs = (
            torch.autograd.grad(term, parameters, retain_graph=True, allow_unused=True) for term in (found[name], value)
        )
        for one, other in zip(ours, theirs, strict=True):
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_the_mean_is_over_all_elements_and_the_root_is_of_the_covariance_alone() -> None:
    torch.manual_seed(7)
    summed = student().step_losses(IMAGES[INDEX], INDEX)
    torch.manual_seed(7)
    averaged = student(reduction="mean", covariance_root=True).step_losses(IMAGES[INDEX], INDEX)
    pixels = IMAGES[0].numel()
    for name, elements in (("reconstruction", pixels), ("difference", pixels), ("code", 3)):
        torch.testing.assert_close(averaged[name], summed[name] / elements)
    torch.testing.assert_close(averaged["covariance"], summed["covariance"].sqrt())
    teachers = {name: module(reduction=name).step_losses(IMAGES[INDEX], INDEX) for name in ("sum", "mean")}
    assert teachers["sum"].keys() == {"reconstruction"}
    torch.testing.assert_close(teachers["mean"]["reconstruction"], teachers["sum"]["reconstruction"] / pixels)


@pytest.mark.parametrize(("stage", "factor"), [(0, 1), (1, 1), (2, 0.5), (3, 0.25)])
def test_every_loss_has_its_weight_and_the_jacobians_fall_from_the_second_student_on(stage: int, factor: float) -> None:
    model = module(weights={"code": 0.3, "difference": 0.7, "covariance": 0.2, "stage_factor": 0.5})
    model.stage = stage
    terms = {"reconstruction": 2.0, "code": 3.0, "difference": 5.0, "covariance": 7.0}
    total = model.total({name: torch.tensor(value) for name, value in terms.items()})
    assert total.item() == pytest.approx(2 + factor * (0.3 * 3 + 0.7 * 5) + 0.2 * 7)


@pytest.mark.parametrize(("weights", "supervised"), [((0.0, 1.0), True), ((1.0, 0.0), True), ((0.0, 0.0), False)])
def test_one_weight_of_eq_9_is_enough_to_be_supervised(weights: tuple[float, float], supervised: bool) -> None:
    model = student(weights={"code": weights[0], "difference": weights[1]})
    assert model.jacobian_supervision == supervised
    assert ("code" in model.step_losses(IMAGES[INDEX], INDEX)) == supervised


def by_itself(model: Any, monkeypatch: pytest.MonkeyPatch, *optimizers: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Let a module take steps without a trainer; what it logs."""
    logged: dict[str, Tensor] = {}
    monkeypatch.setattr(model, "optimizers", lambda: optimizers if len(optimizers) > 1 else optimizers[0])
    monkeypatch.setattr(model, "manual_backward", lambda loss: loss.backward())
    monkeypatch.setattr(model, "log_dict", logged.update)
    monkeypatch.setattr(model, "_trainer", SimpleNamespace(world_size=1))
    return logged


def test_a_batch_of_two_pieces_is_two_steps_from_fresh_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    model = student()
    other, seen = copy.deepcopy(model), []
    sgd = functools.partial(torch.optim.SGD, lr=1e-3)
    logged = by_itself(model, monkeypatch, sgd(model.network.parameters()))
    index = torch.arange(2 * BATCH)
    torch.manual_seed(7)
    model.training_step({"image": IMAGES[index], "index": index}, 0)
    torch.manual_seed(7)
    for piece in index.split(BATCH):
        terms = other.step_losses(IMAGES[piece], piece)
        parameters = [p for p in other.network.parameters() if p.requires_grad]
        gradients = torch.autograd.grad(other.total(terms), parameters, allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= 1e-3 * (0 if gradient is None else gradient)
        seen.append(terms)
    for one, expected in zip(model.network.parameters(), other.network.parameters(), strict=True):
        torch.testing.assert_close(one, expected)
    for name, value in seen[0].items():
        torch.testing.assert_close(logged[f"train/{name}"], ((value + seen[1][name]) / 2).detach())


def test_what_a_validation_counts_is_the_error_of_cut_off_pictures_and_eq_9() -> None:
    model = student().eval()
    with torch.no_grad():
        model.validation_step({"image": IMAGES}, 0)
        code, theirs, pairs = model.codes(IMAGES), model.teacher.network.encode(IMAGES), torch.arange(SIZE).roll(1)
        decode, teach = model.network.decode, model.teacher.network.decode
        change = decode(swap(code, pairs, 3)) - decode(code)
        their_change = teach(theirs[pairs]) - teach(theirs)
        expected = {
            "mse": F.mse_loss(decode(code).clamp(0, 1), IMAGES),
            "code": F.mse_loss(code[:, :3], theirs),
            "difference": F.mse_loss(change, their_change),
        }
        assert (decode(code) < 0).any(), "else nothing is cut off"
    assert expected["difference"] > 1e-4
    for name, value in expected.items():
        torch.testing.assert_close(model.validation[name].compute(), value, rtol=1e-4, atol=0)


def test_a_student_that_trains_has_a_teacher_in_evaluation_mode() -> None:
    model = student().train()
    assert model.network.training
    assert not any(part.training for part in model.teacher.modules())
