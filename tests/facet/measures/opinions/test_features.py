"""Distances in features, where the distance is known."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from made_up_networks import package_of_features
from torch import Tensor

from facet.measures.opinions.features import IMAGES, SIDE, Features, feature_network, kernel_distance
from facet.measures.opinions.packages import WEIGHTS


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    package_of_features(site)
    return site / WEIGHTS["features"].file


def test_the_network_is_torchvisions_before_its_classifier(weights: Path) -> None:
    from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

    network = feature_network(weights)
    theirs = mobilenet_v2()
    theirs.load_state_dict(torch.load(weights, weights_only=True))
    theirs.classifier = torch.nn.Identity()
    images = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    preset = MobileNet_V2_Weights.IMAGENET1K_V1.transforms()
    normal = (images - torch.tensor(preset.mean).view(3, 1, 1)) / torch.tensor(preset.std).view(3, 1, 1)
    with torch.no_grad():
        expected = theirs.eval()(normal)
    found = network(images)
    assert found.shape == (2, 1280)
    assert torch.allclose(found, expected, atol=1e-4), "batch norms are folded in"
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in network.modules())


def test_reading_the_network_draws_no_random_numbers(weights: Path) -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    network = feature_network(weights)
    assert torch.equal(torch.rand(3), expected)
    assert network(torch.rand(1, 1, 28, 28)).shape == (1, 1280), "small and grey pictures are taken, too"


def unbiased(x: Tensor, y: Tensor) -> float:
    """Bińkowski et al. 2018, §3: the estimate with x and y as they are, by loops."""

    def kernel(a: Tensor, b: Tensor) -> float:
        return (float(a @ b) / len(a) + 1) ** 3

    n, m = len(x), len(y)
    within_x = sum(kernel(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_y = sum(kernel(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_x + within_y - 2 * sum(kernel(a, b) for a in x for b in y) / (n * m)


def test_the_kernel_distance_is_that_of_the_paper() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.rand(12, 3, generator=generator).double() + shift for shift in (0, 1))
    found = kernel_distance(x, y)
    assert found.value == pytest.approx(unbiased(x, y))
    assert found.low < found.value < found.high
    assert found.n == 12
    assert kernel_distance(x, y, seed=1).value == pytest.approx(found.value), "nothing is drawn of equal sets"


def test_its_interval_is_as_wide_as_it_varies() -> None:
    """Of 60 repetitions nearly all have an interval with their mean in it, and not because it is wide."""
    generator = torch.Generator().manual_seed(0)
    found = []
    for _ in range(60):
        x, y = (torch.randn(80, 4, generator=generator).double() + shift for shift in (0, 0.5))
        found.append(kernel_distance(x, y))
    values = torch.tensor([each.value for each in found])
    inside = sum(each.low <= float(values.mean()) <= each.high for each in found)
    assert inside >= 52
    assert sum(each.high - each.low for each in found) / 60 < 6 * float(values.std())


def test_of_two_halves_of_one_set_it_is_about_zero_and_of_a_shift_it_is_not() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y, z = (torch.randn(300, 8, generator=generator).double() for _ in range(3))
    same, other = kernel_distance(x, y), kernel_distance(x, z + 0.5)
    assert abs(same.value) < 0.05 < other.value
    assert same.low < 0 < same.high
    assert other.low > 0
    assert kernel_distance(x, y) == same
    assert kernel_distance(x, y, seed=1).low != same.low


def test_it_draws_no_random_numbers_of_others() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    kernel_distance(torch.ones(8, 2), torch.zeros(8, 2))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("made", [torch.zeros(3, 2), torch.zeros(0), torch.full((9, 2), math.nan)])
def test_of_too_few_or_of_a_model_that_has_diverged_there_is_none(made: Tensor) -> None:
    found = kernel_distance(torch.randn(9, 2), made)
    assert math.isnan(found.value)
    assert found.n == len(made)
    assert found.as_dict().keys() == {"value", "n"}, "an interval would need ends"


def corner(images: Tensor) -> Tensor:
    """Features of a picture: its first two pixels."""
    return images[:, 0, 0, :2]


def pictures(pairs: Tensor) -> Tensor:
    return torch.nn.functional.pad(pairs[:, None, None].expand(-1, 3, 2, -1), (0, 1))


@pytest.mark.parametrize("size", [3, 8, 12])
def test_what_is_made_of_every_second_image_is_compared(size: int) -> None:
    pairs = torch.tensor([[1.0, 0.0], [3.0, 0.0]] * 6)
    labels = torch.tensor([[1.0, math.nan]] * 6 + [[0.0, 1.0]] * 6)
    off, on = torch.tensor([[0.0, 1.0]] * 12), torch.tensor([[1.0, 1.0]] * 12)
    features = Features(corner, ("A", "B"))
    for start in range(0, 12, size):
        part = slice(start, start + size)
        features.add(pictures(pairs[part]), labels[part], pictures(2 * pairs[part]), start)
        for column in (0, 1):
            features.add_edits(column, pictures(off[part]), pictures(on[part]))
    found = features.compute()
    assert found["features_of_reconstruction"]["distance"].value == pytest.approx(0), "twice as bright, same direction"
    assert found["features_of_reconstruction"]["distance"].n == 6
    turned = found["features"]["A"]["distance"]
    assert turned.n == 6
    assert turned.value == pytest.approx((3 * 1 + 3 * (1 - math.sqrt(0.5))) / 6), "three turned off, three turned on"
    assert found["features"]["B"]["distance"].n == 3, "where the label is known"
    assert found["features"]["B"]["distance"].value == pytest.approx(1)
    assert found["features"]["B"]["kid"].n == 3
    assert found["features_of_others"]["distance"].n == 6
    reconstructions = kernel_distance(pairs[0::2].double(), 2 * pairs[1::2].double())
    assert found["features_of_reconstruction"]["kid"] == reconstructions


def test_a_large_split_is_not_read_whole() -> None:
    features = Features(corner, ("A",))
    for start in range(0, IMAGES + 500, 250):
        images = pictures(torch.ones(250, 2))
        features.add(images, torch.ones(250, 1), images, start)
        features.add_edits(0, images, images)
    found = features.compute()
    assert found["features"]["A"]["distance"].n == found["features_of_others"]["distance"].n == IMAGES // 2


def test_one_image_is_no_failure() -> None:
    features = Features(corner, ("A",))
    features.add(pictures(torch.ones(1, 2)), torch.ones(1, 1), pictures(torch.ones(1, 2)), 0)
    features.add_edits(0, pictures(torch.ones(1, 2)), pictures(torch.ones(1, 2)))
    found = features.compute()
    assert math.isnan(found["features"]["A"]["distance"].value)
    assert found["features"]["A"]["distance"].n == 0
