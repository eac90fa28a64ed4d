"""Swaps on coders whose answer is known."""

import pytest
import torch
from torch import Tensor

from facet.measures.swaps import swaps_ok


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
    rate = swaps_ok(Known(reads=0), images(), First())
    assert rate.value == 1
    assert 330 < rate.n < 390, "one in ten pairs has the same class and is left out"
    assert rate.low > 0.98


def test_a_decoder_that_ignores_the_units_hands_nothing_over() -> None:
    """The class is read from unit 3: a swap of the first two changes nothing."""
    assert swaps_ok(Known(reads=3), images(), First()).value == 0


@pytest.mark.parametrize(("units", "value"), [(1, 0), (2, 1)])
def test_as_many_units_are_swapped_as_are_asked_for(units: int, value: float) -> None:
    assert swaps_ok(Known(reads=1), images(), First(), units=units).value == value


def test_without_two_classes_there_is_nothing_to_swap() -> None:
    rate = swaps_ok(Known(reads=0), images(classes=1), First())
    assert rate.n == 0
    assert rate.value != rate.value


def test_the_same_seed_gives_the_same_pairs() -> None:
    class Half(Known):
        def decode_codes(self, codes: Tensor) -> Tensor:
            kept = torch.where(codes[:, 5:6] > 4, codes[:, 0:1], codes[:, 3:4])
            return super().decode_codes(torch.cat([kept, codes[:, 1:]], dim=1))

    rates = [swaps_ok(Half(reads=0), images(), First(), seed=seed) for seed in (0, 0, 1)]
    assert rates[0] == rates[1] != rates[2]
    assert 0.2 < rates[0].value < 0.8
