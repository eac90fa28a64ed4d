"""Swaps on coders whose answer is known."""

from statistics import NormalDist

import pytest
import torch
from torch import Tensor

from facet.measures.intervals import Rate
from facet.measures.swaps import ceiling, swaps_ok


class Known:
    """An image is its code: pixel 0 is the class, the rest is style."""

    def __init__(self, reads: int, loses: bool = False) -> None:
        self.reads, self.loses = reads, loses

    def codes(self, images: Tensor) -> Tensor:
        return images.flatten(1) * 255

    def decode_codes(self, codes: Tensor) -> Tensor:
        return (codes[:, [self.reads, *[i for i in range(codes.shape[1]) if i != self.reads]]] / 255).view(-1, 1, 2, 3)


class First:
    def classify(self, images: Tensor) -> Tensor:
        return (images.flatten(1)[:, 0] * 255).round().long()


def images(classes: int = 10) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, classes, (400, 1, 2, 3), generator=generator)
    return pixels.byte()


def test_a_code_that_carries_the_class_hands_all_of_it_over() -> None:
    rate, possible = swaps_ok(Known(reads=0), images(), First(), units=1)
    assert rate.value == possible.value == 1
    assert 330 < rate.n < 390, "one in ten pairs has the same class and is left out"
    assert rate.low > 0.98


def test_a_decoder_that_ignores_the_units_hands_nothing_over() -> None:
    """The class is read from unit 3: a swap of the first two changes nothing."""
    assert swaps_ok(Known(reads=3), images(), First()).ok.value == 0


@pytest.mark.parametrize(("units", "value"), [(1, 0), (2, 1)])
def test_as_many_units_are_swapped_as_are_asked_for(units: int, value: float) -> None:
    assert swaps_ok(Known(reads=1), images(), First(), units=units).ok.value == value


def test_without_two_classes_there_is_nothing_to_swap() -> None:
    for rate in swaps_ok(Known(reads=0), images(classes=1), First()):
        assert rate.n == 0
        assert rate.value != rate.value


def test_the_same_seed_gives_the_same_pairs() -> None:
    class Half(Known):
        def decode_codes(self, codes: Tensor) -> Tensor:
            kept = torch.where(codes[:, 5:6] > 4, codes[:, 0:1], codes[:, 3:4])
            return super().decode_codes(torch.cat([kept, codes[:, 1:]], dim=1))

    rates = [swaps_ok(Half(reads=0), images(), First(), seed=seed).ok for seed in (0, 0, 1)]
    assert rates[0] == rates[1] != rates[2]
    assert 0.2 < rates[0].value < 0.8


def known(y: Tensor, classes: Tensor) -> Rate:
    """The ceiling over pairs of different classes, as many as there are samples."""
    donors = torch.randperm(len(y), generator=torch.Generator().manual_seed(2))
    receivers = (classes != classes[donors]).nonzero()[:, 0]
    found = ceiling(y, classes, receivers, donors[receivers])
    assert found.n == len(receivers)
    return found


def codes(classes: int = 10, n: int = 3000) -> tuple[Tensor, Tensor]:
    """Classes ``[n]``, and noise ``[n, 2]``."""
    generator = torch.Generator().manual_seed(4)
    return torch.randint(classes, (n,), generator=generator), torch.randn(n, 2, generator=generator)


def test_a_code_apart_for_every_class_tells_it() -> None:
    classes, noise = codes()
    corners = torch.stack([classes // 4, classes % 4], 1)
    assert known(corners + 0.05 * noise, classes).value == 1
    scaled = torch.tensor([1e3, 1e-3]) * (corners + 0.05 * noise) + 1e2
    assert known(scaled.double(), classes).value == 1, "both units count, whatever their scale"


def test_a_code_that_tells_nothing_is_as_good_as_a_guess_among_nine() -> None:
    classes, noise = codes()
    assert known(noise, classes).value == pytest.approx(1 / 9, abs=0.02)


def test_classes_that_share_a_code_are_told_apart_where_one_is_the_receivers() -> None:
    """Ten classes on five places. With the receiver in the donor's, 1 in 9, the donor is known; else it is a guess."""
    classes, noise = codes()
    places = torch.stack([classes // 2, torch.zeros_like(classes)], 1)
    assert known(places + 0.05 * noise, classes).value == pytest.approx(1 / 9 + 8 / 9 / 2, abs=0.025)


def test_overlapping_classes_are_told_as_often_as_gaussians_can_be() -> None:
    """Three at -2, 0, 2 with σ = 1: one is left out, the better of the other two is right Φ(half their distance)."""
    classes, noise = codes(classes=3, n=6000)
    phi = NormalDist().cdf
    expected = (2 * phi(1) + phi(2)) / 3
    found = known(torch.stack([2.0 * (classes - 1) + noise[:, 0], 0 * noise[:, 1]], 1), classes).value
    assert expected - 0.04 < found < expected + 0.01, "an estimate from below"


def test_a_class_is_never_read_off_the_donor_itself() -> None:
    """Every image has a place of its own, far from its class."""
    classes = torch.arange(100) % 10
    y = torch.stack([torch.arange(100.0), torch.zeros(100)], 1)
    assert known(y, classes).value < 0.2


def test_where_there_are_few_neighbours_the_receivers_class_does_not_take_their_place() -> None:
    y = torch.randn(34, 2, generator=torch.Generator().manual_seed(0))
    pair = torch.tensor([0]), torch.tensor([33])
    assert ceiling(y, torch.tensor([1] * 30 + [0] * 4), *pair).value == 1
    assert ceiling(y, torch.tensor([1] * 33 + [0]), *pair).value == 0, "there is none to read it off"


def test_what_stands_in_y_and_beside_it_too_could_be_handed_over() -> None:
    """A decoder that reads the class from unit 3, though y has it too."""
    doubled = images()
    doubled[..., 1, 0] = doubled[..., 0, 0]
    rate, possible = swaps_ok(Known(reads=3), doubled, First(), units=1)
    assert (rate.value, possible.value, rate.n) == (0, 1, possible.n)
