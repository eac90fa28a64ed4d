"""The loader: order, ranks, tails, unknown labels."""

from functools import partial

import pytest
import torch

from datamodules.loader import Loader, Order, make_loader

IMAGES = torch.arange(23, dtype=torch.uint8).mul(11).reshape(23, 1, 1, 1).expand(23, 3, 4, 4).contiguous()
ATTRIBUTES = torch.tensor([[i % 2, float("nan") if i % 5 == 0 else 1.0] for i in range(23)])


RESIDENCIES = ("device", "mmap", "workers")


def loader(residency: str = "mmap", **settings: object) -> Loader:
    columns = {"attributes": ATTRIBUTES, "label": torch.arange(23)}
    return make_loader(IMAGES, columns, Order(23, **{"batch_size": 4, **settings}), residency)  # type: ignore[arg-type]


def order(loader: Loader) -> list[int]:
    return [int(i) for batch in loader for i in batch["index"]]


def test_evaluation_sees_every_sample_once_in_order() -> None:
    batches = list(loader())
    assert order(loader()) == list(range(23))
    assert [len(batch["index"]) for batch in batches] == [4, 4, 4, 4, 4, 3]
    assert len(loader()) == len(batches)


@pytest.mark.parametrize("residency", RESIDENCIES)
def test_a_batch_is_what_its_index_says(residency: str) -> None:
    for batch in loader(residency, shuffle=True):
        assert torch.equal(batch["label"], batch["index"])
        assert batch["image"].shape == (4, 3, 4, 4)
        assert batch["image"].dtype == torch.float32
        assert torch.equal(batch["image"], IMAGES[batch["index"]].float() / 255)
        assert 0 <= batch["image"].min() <= batch["image"].max() <= 1
        torch.testing.assert_close(batch["attributes"], ATTRIBUTES[batch["index"]], equal_nan=True)


def test_unknown_labels_are_nan() -> None:
    unknown = torch.cat([batch["attributes"][:, 1].isnan() for batch in loader()])
    assert unknown.nonzero().flatten().tolist() == [0, 5, 10, 15, 20]


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    epoch = 0
    shuffled = loader(shuffle=True, seed=3, epoch=lambda: epoch)
    first, again = order(shuffled), order(shuffled)
    epoch = 1
    second = order(shuffled)
    assert first == again == order(loader(shuffle=True, seed=3))
    assert first != second
    assert first != order(loader(shuffle=True, seed=4))
    assert first != sorted(first)


def epochs(count: int, **settings: object) -> list[list[int]]:
    """The samples of the first epochs."""
    return [order(loader(shuffle=True, seed=3, epoch=partial(int, epoch), **settings)) for epoch in range(count)]


@pytest.mark.parametrize("images", [20, 56, 23 * 4])
def test_epochs_of_a_fixed_number_of_images_go_on_where_the_last_one_ended(images: int) -> None:
    together = [index for epoch in epochs(23, images=images) for index in epoch]
    passes = [together[start : start + 23] for start in range(0, len(together), 23)]
    assert len(together) == 23 * images
    assert all(sorted(one) == list(range(23)) for one in passes)  # no image is seen twice before all are seen
    assert len({tuple(one) for one in passes}) == len(passes)


def test_epochs_of_the_splits_size_are_passes_over_it() -> None:
    assert epochs(3, images=23, flip=True) == epochs(3, flip=True)


def test_ranks_share_an_epoch_of_a_fixed_number_of_images() -> None:
    ranks = [epochs(3, images=40, rank=rank, world_size=2) for rank in range(2)]
    alone = epochs(3, images=40)
    for epoch in range(3):
        assert [index for pair in zip(*(rank[epoch] for rank in ranks), strict=True) for index in pair] == alone[epoch]


def test_an_image_that_comes_again_is_mirrored_by_chance_again() -> None:
    shuffled = Order(10, batch_size=10, shuffle=True, flip=True, seed=1, images=200)
    mirrored: dict[int, set[bool]] = {}
    for index, flips in shuffled.batches():
        assert flips is not None
        for position, flip in zip(index.tolist(), flips.tolist(), strict=True):
            mirrored.setdefault(position, set()).add(flip)
    assert all(sides == {False, True} for sides in mirrored.values())


@pytest.mark.parametrize(
    ("size", "images", "mirrors"), [(10, None, False), (10, 19, False), (10, 20, True), (10, 5, False)]
)
def test_images_that_come_at_least_twice_in_an_epoch_are_mirrored_by_themselves(
    size: int, images: int | None, mirrors: bool
) -> None:
    shuffled = Order(size, batch_size=5, shuffle=True, flip=None, images=images)
    assert all((flips is not None) == mirrors for _, flips in shuffled.batches())
    assert not Order(size, batch_size=5, shuffle=True, flip=False, images=200).mirrors


def test_an_epoch_of_fewer_images_than_a_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="images_per_epoch=3: fewer than one batch of 4 on each of 1"):
        Order(23, batch_size=4, shuffle=True, images=3)


def test_training_drops_the_uneven_tail() -> None:
    shuffled = loader(shuffle=True)
    seen = order(shuffled)
    assert len(seen) == len(set(seen)) == 20
    assert len(shuffled) == len(list(shuffled)) == 5


@pytest.mark.parametrize("world_size", [1, 2, 3, 5])
def test_ranks_together_evaluate_everything_once(world_size: int) -> None:
    loaders = [loader(rank=rank, world_size=world_size) for rank in range(world_size)]
    seen = [order(part) for part in loaders]
    assert sorted([index for part in seen for index in part]) == list(range(23))
    assert [len(part) for part in loaders] == [len(list(part)) for part in loaders]


@pytest.mark.parametrize("world_size", [2, 3, 5])
def test_ranks_train_on_different_samples_and_take_as_many_steps(world_size: int) -> None:
    loaders = [loader(shuffle=True, rank=rank, world_size=world_size) for rank in range(world_size)]
    seen = [order(part) for part in loaders]
    assert len({index for part in seen for index in part}) == len([index for part in seen for index in part])
    assert {len(part) for part in loaders} == {23 // world_size // 4}
    assert {len(part) for part in seen} == {23 // world_size // 4 * 4}


@pytest.mark.parametrize("world_size", [2, 4])
def test_the_ranks_shares_together_are_the_batches_of_one_process(world_size: int) -> None:
    alone = [set(batch["index"].tolist()) for batch in loader(shuffle=True, seed=3)]
    share = {"batch_size": 4 // world_size, "world_size": world_size}
    ranks = [loader(shuffle=True, seed=3, rank=rank, **share) for rank in range(world_size)]
    together = [{index for share in shares for index in share["index"].tolist()} for shares in zip(*ranks, strict=True)]
    assert together == alone


def test_a_batch_larger_than_the_split_is_an_error() -> None:
    assert len(loader(batch_size=23, shuffle=True)) == 1
    with pytest.raises(ValueError, match=r"23 images.*one batch of 24.*smaller data.batch_size"):
        loader(batch_size=24, shuffle=True)
    with pytest.raises(ValueError, match=r"each of 3 processes"):
        loader(batch_size=8, shuffle=True, world_size=3)
    assert len(loader(batch_size=24)) == 1


@pytest.mark.parametrize("settings", [{}, {"shuffle": True, "flip": True}, {"rank": 1, "world_size": 3}])
def test_where_a_split_lies_changes_no_batch(settings: dict[str, object]) -> None:
    expected, *others = ([*loader(residency, **settings)] for residency in RESIDENCIES)
    assert len(expected) == len(loader(**settings))
    for batches in others:
        for one, other in zip(expected, batches, strict=True):
            assert one.keys() == other.keys()
            for name in one:
                torch.testing.assert_close(one[name], other[name], equal_nan=True, rtol=0, atol=0)


def test_flips_are_half_of_the_images_others_every_epoch_and_the_same_again() -> None:
    images = torch.arange(5, dtype=torch.uint8).expand(400, 1, 3, 5).contiguous()
    epoch = 0

    def flipped() -> list[int]:
        order = Order(400, batch_size=40, shuffle=True, flip=True, seed=1, epoch=lambda: epoch)
        batches = make_loader(images, {}, order, "mmap")
        found = []
        for batch in batches:
            plain = batch["image"][:, 0, 0, 0] == 0
            turned = torch.where(plain.view(-1, 1, 1, 1), batch["image"], batch["image"].flip(3))
            assert torch.equal(turned, images[:40].float() / 255), "flipped or not, nothing else"
            found += batch["index"][~plain].tolist()
        return sorted(found)

    first, again = flipped(), flipped()
    epoch = 1
    assert first == again != flipped()
    assert 150 < len(first) < 250


def test_an_empty_split_is_an_error() -> None:
    with pytest.raises(ValueError, match="the split is empty"):
        Order(0, batch_size=4)
