"""Balanced training: as many images with an attribute as without, in every batch."""

from __future__ import annotations

from functools import partial
from itertools import chain, islice, pairwise
from typing import Any

import pytest
import torch
from made_once import avatars
from torch import Tensor

from datamodules.avatars import AvatarsDataModule
from datamodules.balance import batch_rates, classes
from datamodules.order import Order

NAN = float("nan")
PRESENT = torch.tensor([2, 3, 11, 17, 40])  # of 60 images; a twelfth of them
UNKNOWN = torch.tensor([0, 30])
ABSENT = torch.tensor([i for i in range(60) if i not in {*PRESENT.tolist(), *UNKNOWN.tolist()}])


def order(epoch: int = 0, **settings: Any) -> Order:
    settings = {"batch_size": 8, "seed": 3, "classes": (ABSENT, PRESENT), "epoch": partial(int, epoch), **settings}
    return Order(60, shuffle=True, **settings)


def batches(count: int, **settings: Any) -> list[list[int]]:
    """The positions in each batch of the first epochs."""
    return [index.tolist() for epoch in range(count) for index, _ in order(epoch, **settings).batches()]


def of_class(batch: list[int], positions: Tensor) -> list[int]:
    return [i for i in batch if i in positions.tolist()]


@pytest.mark.parametrize("world_size", [1, 2, 3, 4])
@pytest.mark.parametrize("images", [None, 60, 100, 1000])
def test_every_batch_of_every_rank_has_as_many_with_as_without(world_size: int, images: int | None) -> None:
    for rank in range(world_size):
        found = batches(3, batch_size=4, world_size=world_size, rank=rank, images=images)
        assert len(found) == 3 * ((images or 60) // (4 * world_size))
        for batch in found:
            assert len(of_class(batch, PRESENT)) == len(of_class(batch, ABSENT)) == 2


def test_an_epoch_is_as_long_as_without_balance() -> None:
    for images in (None, 60, 100):
        balanced, plain = order(images=images), order(images=images, classes=None)
        assert len(list(balanced.batches())) == len(balanced) == len(plain) == len(list(plain.batches()))


@pytest.mark.parametrize("positions", [PRESENT, ABSENT])
def test_no_image_comes_twice_before_all_of_its_class_have_come(positions: Tensor) -> None:
    times = dict.fromkeys(positions.tolist(), 0)
    orders = set()
    for number, batch in enumerate(batches(15, images=100)):
        for i in of_class(batch, positions):
            times[i] += 1
        # within a batch the order is mixed, so what holds at its end holds for the draws that lead there
        assert max(times.values()) - min(times.values()) <= 1, number
        orders.add(tuple(of_class(batch, positions)))
    assert min(times.values()) > 5
    assert len(orders) > 10, "each pass has an order of its own"


def test_unknown_ones_are_left_out() -> None:
    assert not {0, 30} & {i for batch in batches(20) for i in batch}


@pytest.mark.parametrize("world_size", [2, 3, 4])
def test_ranks_share_a_step_as_one_process_would_see_it(world_size: int) -> None:
    def step(index: Tensor, flips: Tensor | None) -> list[tuple[int, bool]]:
        assert flips is not None
        return list(zip(index.tolist(), flips.tolist(), strict=True))

    for epoch in range(3):
        alone = [step(*each) for each in order(epoch, batch_size=24, images=200, flip=True).batches()]
        share = {"batch_size": 24 // world_size, "world_size": world_size, "images": 200, "flip": True}
        ranks = [[step(*each) for each in order(epoch, rank=r, **share).batches()] for r in range(world_size)]
        assert [sorted(one) for one in alone] == [sorted(chain(*parts)) for parts in zip(*ranks, strict=True)]
        assert len(alone) == 8


def test_seed_and_epoch_decide_alone() -> None:
    assert batches(2) == batches(2) != batches(2, seed=4)
    first, second = batches(1), batches(2)[len(batches(1)) :]
    assert first != second


def test_it_goes_on_within_an_epoch_as_if_it_had_not_stopped() -> None:
    whole = list(order(5, flip=True).batches())
    rest = list(order(5, flip=True, done=lambda: 3).batches())
    for (index, flips), (other, other_flips) in zip(islice(whole, 3, None), rest, strict=True):
        assert torch.equal(index, other)
        assert flips is not None
        assert other_flips is not None
        assert torch.equal(flips, other_flips)


def test_neighbours_in_a_batch_may_be_of_one_class() -> None:
    """A method that pairs an image with the next one must not always get the other class."""
    pairs = [(a in PRESENT, b in PRESENT) for batch in batches(20) for a, b in pairwise(batch)]
    assert 0.35 < sum(a == b for a, b in pairs) / len(pairs) < 0.5  # 3/7 of all pairs of a batch of 8


def test_an_image_that_comes_again_is_mirrored_by_chance_again() -> None:
    sides: dict[int, set[bool]] = {}
    for index, flips in order(images=600, flip=True).batches():
        assert flips is not None
        for position, flip in zip(index.tolist(), flips.tolist(), strict=True):
            sides.setdefault(position, set()).add(flip)
    assert all(sides[i] == {False, True} for i in PRESENT.tolist())


def test_odd_batches_take_turns() -> None:
    counts = [len(of_class(batch, PRESENT)) for batch in batches(2, batch_size=5)]
    assert set(counts) == {2, 3}


# What batches hold then


def test_rates_of_batches() -> None:
    # Half of those with the first attribute have the second, none of those without it; the third isn't known.
    labels = torch.zeros(60, 3)
    labels[PRESENT, 0], labels[UNKNOWN, 0] = 1, NAN
    labels[PRESENT[:2], 1], labels[PRESENT[4:], 1] = 1, NAN
    labels[:, 2] = NAN
    plain, balanced = batch_rates(labels), batch_rates(labels, classes(labels[:, 0], "A"))
    torch.testing.assert_close(plain, torch.tensor([5 / 58, 2 / 59, NAN]), equal_nan=True)
    torch.testing.assert_close(balanced, torch.tensor([0.5, (2 / 5) / (4 / 5 + 1), NAN]), equal_nan=True)


def test_the_rates_are_those_of_what_is_drawn() -> None:
    labels = torch.zeros(60, 2)
    labels[PRESENT, 0], labels[UNKNOWN, 0] = 1, NAN
    labels[::7, 1] = 1
    drawn = torch.cat([labels[batch] for batch in batches(400)])
    torch.testing.assert_close(batch_rates(drawn), batch_rates(labels, (ABSENT, PRESENT)), atol=5e-3, rtol=0)


# The setting


def data(**settings: Any) -> AvatarsDataModule:
    sizes = {"train_size": 96, "val_size": 40, "test_size": 60, "batch_size": 16}
    return AvatarsDataModule(resolution=16, root=str(avatars()), workers=1, **sizes, **settings)


def test_training_is_balanced_and_evaluation_is_not() -> None:
    hats = data(balance="Wearing_Hat", attributes=["Smiling", "Wearing_Hat"])
    plain = data(attributes=["Smiling", "Wearing_Hat"])
    for batch in hats.loader("train"):
        assert batch["attributes"][:, 1].sum() == 8
    for split in ("val", "test"):
        for one, other in zip(hats.loader(split), plain.loader(split), strict=True):
            assert torch.equal(one["index"], other["index"])
    assert hats.fingerprint == plain.fingerprint, "the data are the same"
    assert hats.batch_rates()[1] == 0.5
    assert 0.1 < plain.batch_rates()[1] < 0.4


def test_an_attribute_that_batches_do_not_carry_can_be_balanced() -> None:
    smiles, hats = data(balance="Wearing_Hat", attributes=["Smiling"]), data(attributes=["Wearing_Hat"])
    labels = hats.tensors("train")[1][:, 0]
    assert all(labels[batch["index"]].sum() == 8 for batch in smiles.loader("train"))


def test_an_unknown_attribute_is_named() -> None:
    with pytest.raises(ValueError, match=r"^data.balance=Smilling: data=avatars has no attribute 'Smilling'; nearest:"):
        data(balance="Smilling")


@pytest.mark.parametrize(("labels", "which"), [([0, 0, NAN], "with"), ([1, 1, NAN], "without")])
def test_a_class_without_an_image_is_named(labels: list[float], which: str) -> None:
    with pytest.raises(ValueError, match=f"^data.balance=Bald: no image of the training split is labelled as {which} "):
        classes(torch.tensor(labels), "Bald")
