"""Classes of rare attributes: what the losses make of them, and when A is maximally confused."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from small_models import batch, model
from torch import Tensor

from aif import losses
from aif.class_balance import ClassBalance, at_rates

NAN = float("nan")
RATES = torch.tensor([0.02, 0.9])


def labels(count: int = 1000) -> Tensor:
    """Labels with exactly these rates."""
    return (torch.arange(count)[:, None] < count * RATES).float()


def logit(rates: Tensor, count: int = 1000) -> Tensor:
    return rates.logit().expand(count, 2)


def entropy(rates: Tensor) -> float:
    return float(-(rates * rates.log() + (1 - rates) * (1 - rates).log()).mean())


# The weights of the losses


def test_both_classes_weigh_half() -> None:
    weights, y = losses.class_weights(labels(), RATES), labels()
    torch.testing.assert_close(weights.mean(0), torch.ones(2))
    torch.testing.assert_close((weights * y).sum(0), torch.full((2,), 500.0))


@pytest.mark.parametrize("rates", [None, RATES])
def test_the_best_guess_without_information(rates: Tensor | None) -> None:
    """Without weights it is the rate, and the loss the entropy; with weights it is ½, and the loss log 2."""
    guess = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([guess], max_iter=100, tolerance_grad=1e-12, line_search_fn="strong_wolfe")
    y = labels().double()

    def closure() -> float:
        optimizer.zero_grad()
        loss = losses.classification(guess.expand(1000, 2), y, rates)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    best = RATES if rates is None else torch.full((2,), 0.5)
    torch.testing.assert_close(guess.detach().sigmoid().float(), best, atol=1e-4, rtol=0)
    assert closure() == pytest.approx(entropy(RATES) if rates is None else math.log(2), abs=1e-5)


def test_of_even_rates_the_weights_change_nothing() -> None:
    y, guess = torch.tensor([[1.0, NAN], [0.0, 1.0]]), torch.randn(2, 2)
    weighted = losses.classification(guess, y, torch.full((2,), 0.5))
    assert torch.equal(weighted, losses.classification(guess, y))


def test_an_attribute_without_a_label_does_no_harm() -> None:
    y, guess = torch.tensor([[1.0, NAN], [0.0, NAN]]), torch.zeros(2, 2, requires_grad=True)
    loss = losses.classification(guess, y, torch.tensor([0.5, NAN]))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == pytest.approx(math.log(2))
    assert guess.grad is not None
    assert guess.grad.isfinite().all()


# A's confusion


def confused(balance: ClassBalance, guess: Tensor, y: Tensor) -> tuple[float, float]:
    for some, their in zip(guess.chunk(3), y.chunk(3), strict=True):
        balance.update(some, their)
    loss, confusion = balance.confusion(losses.classification(guess, y))
    return float(loss), float(confusion)


def balanced(weighted: bool, rates: Tensor | None) -> ClassBalance:
    """As after a look at data whose batches hold the attributes at these rates."""
    found = ClassBalance(2, weighted)
    data = SimpleNamespace(balance=None if weighted or rates is None else "A", batch_rates=lambda: rates)
    found.read(data, torch.device("cpu"))
    return found


EVEN = torch.tensor([0.5, 0.9])  # batches that balance the first attribute


@pytest.mark.parametrize(
    ("weighted", "rates", "best"), [(False, None, RATES), (False, EVEN, EVEN), (True, RATES, torch.full((2,), 0.5))]
)
def test_an_auxiliary_network_that_guesses_by_the_rate_it_is_trained_at_is_confused(
    weighted: bool, rates: Tensor | None, best: Tensor
) -> None:
    loss, confusion = confused(balanced(weighted, rates), logit(best), labels())
    assert confusion == pytest.approx(1, abs=1e-5)
    assert loss == pytest.approx(entropy(best), abs=1e-5)


def test_one_that_knows_is_not_confused_however_training_counts() -> None:
    """By the split's own rates it would seem to be: its loss is twice their entropy."""
    knows = torch.where(labels() == 1, 1.4, -1.4)  # as one that is trained on even classes and right in four of five
    _, confusion = confused(balanced(True, RATES), knows, labels())
    assert confusion == pytest.approx(math.log(1 + math.exp(-1.4)) / math.log(2), abs=1e-5)
    assert confusion < 0.4
    rare = labels()[:, :1].expand(-1, 2)
    _, by_the_split = confused(balanced(False, None), torch.where(rare == 1, 1.4, -1.4), rare)
    assert by_the_split > 1.9


def test_it_starts_anew_after_each_validation() -> None:
    balance = balanced(True, RATES)
    first = confused(balance, logit(RATES), labels())
    assert confused(balance, logit(RATES), labels()) == first


def test_an_attribute_of_one_class_has_no_part_in_it() -> None:
    loss, most = at_rates(torch.tensor([[0.4, 0.1], [0.8, NAN]]), torch.tensor([0.5, 0.5]))
    assert float(loss) == pytest.approx(0.6)
    assert float(most) == pytest.approx(math.log(2))


# The module


def test_every_loss_of_labels_is_weighted() -> None:
    images, y = batch()
    rates = torch.full((y.shape[1],), 0.1)
    settings: dict[str, Any] = {"weights": {"class_on_reconstruction": 1.0}}
    terms = {}
    for weighted in (False, True):
        torch.manual_seed(0)
        net = model(class_balanced=weighted, **settings)
        net.class_balance.read(SimpleNamespace(batch_rates=lambda: rates), net.device)
        torch.manual_seed(1)
        terms[weighted] = net.step_losses(images, y)
    for name in terms[True]:
        of_labels = name in ("class", "auxiliary", "class_on_reconstruction")
        assert torch.equal(terms[True][name], terms[False][name]) != of_labels, name


def test_by_default_rates_are_not_asked_for() -> None:
    net = model()
    net.class_balance.read(SimpleNamespace(balance=None), net.device)  # has no rates to give
    assert net.class_balance.batch_rates is None
    assert "class_balance" not in " ".join(net.state_dict())
