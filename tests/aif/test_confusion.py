"""A is maximally confused where it guesses by the rates that training batches have, balanced or not."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from small_models import model
from torch import Tensor

from aif import losses
from aif.confusion import Confusion, at_rates

NAN = float("nan")
RATES = torch.tensor([0.02, 0.9])
EVEN = torch.tensor([0.5, 0.9])  # batches that balance the first attribute


def labels(count: int = 1000) -> Tensor:
    """Labels with exactly these rates."""
    return (torch.arange(count)[:, None] < count * RATES).float()


def entropy(rates: Tensor) -> float:
    return float(-(rates * rates.log() + (1 - rates) * (1 - rates).log()).mean())


def confusion(balanced: Tensor | None) -> Confusion:
    """After a look at data whose batches are balanced, or are as the split is."""
    found = Confusion(2)
    balance = None if balanced is None else "A"
    found.read(SimpleNamespace(balance=balance, batch_rates=lambda: balanced), torch.device("cpu"))
    return found


def computed(of: Confusion, guess: Tensor, y: Tensor) -> tuple[float, float]:
    for some, their in zip(guess.chunk(3), y.chunk(3), strict=True):
        of.update(some, their)
    loss, ratio = of.compute(losses.classification(guess, y))
    return float(loss), float(ratio)


@pytest.mark.parametrize(("balanced", "best"), [(None, RATES), (EVEN, EVEN)])
def test_a_guess_by_the_rates_of_training_is_confused(balanced: Tensor | None, best: Tensor) -> None:
    loss, ratio = computed(confusion(balanced), best.logit().expand(1000, 2), labels())
    assert ratio == pytest.approx(1, abs=1e-5)
    assert loss == pytest.approx(entropy(best), abs=1e-5)


def test_one_that_learns_from_balanced_batches_is_not_confused_by_a_split_that_is_not() -> None:
    """By the split's own rate the rule would stop: the loss of a network that is right in four of five exceeds it."""
    y = labels()[:, :1].expand(-1, 2)  # 2%
    knows = torch.where(y == 1, 1.4, -1.4)
    _, by_the_split = computed(confusion(None), knows, y)
    _, by_training = computed(confusion(torch.tensor([0.5, 0.5])), knows, y)
    assert by_the_split > 1.9
    assert by_training == pytest.approx(math.log(1 + math.exp(-1.4)) / math.log(2), abs=1e-5)
    assert by_training < 0.4


def test_it_starts_anew_after_each_validation() -> None:
    of = confusion(EVEN)
    first = computed(of, RATES.logit().expand(1000, 2), labels())
    assert computed(of, RATES.logit().expand(1000, 2), labels()) == first


def test_an_attribute_of_one_class_has_no_part_in_it() -> None:
    loss, most = at_rates(torch.tensor([[0.4, 0.1], [0.8, NAN]]), torch.tensor([0.5, 0.5]))
    assert float(loss) == pytest.approx(0.6)
    assert float(most) == pytest.approx(math.log(2))


def test_unknown_labels_are_in_neither_class() -> None:
    y = labels()
    guess = torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    of, other = confusion(EVEN), confusion(EVEN)
    known = computed(of, guess, y)
    more = torch.cat([y, torch.full((60, 2), NAN)]), torch.cat([guess, torch.full((60, 2), 9.0)])
    assert computed(other, more[1], more[0]) == pytest.approx(known)


def test_it_is_no_part_of_a_checkpoint() -> None:
    assert not [name for name in model().state_dict() if "confusion" in name]
