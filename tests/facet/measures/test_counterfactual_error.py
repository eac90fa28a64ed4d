"""Counterfactual error on images whose true change is known to the pixel."""

import math

import pytest
import torch

from facet.measures.counterfactual import CounterfactualError, changed_region
from facet.measures.intervals import Mean, Rate


def change_one_pixel() -> tuple[torch.Tensor, torch.Tensor]:
    """Two grey images of 16x16; in the truth, one channel of one pixel of the first is lighter."""
    original = torch.full((2, 3, 16, 16), 0.4)
    truth = original.clone()
    truth[0, 1, 5, 7] = 0.9
    return truth, original


def test_region_is_the_touched_pixels_and_their_neighbours() -> None:
    truth, original = change_one_pixel()
    expected = torch.zeros(2, 1, 16, 16, dtype=torch.bool)
    expected[0, 0, 4:7, 6:9] = True
    assert torch.equal(changed_region(truth, original), expected)


@pytest.mark.parametrize("level", range(3, 250, 13))
def test_two_grey_levels_are_no_change_and_three_are(level: int) -> None:
    original = torch.full((1, 1, 12, 12), level / 255)
    for difference, touched in [(1, False), (2, False), (-2, False), (3, True), (-3, True)]:
        truth = torch.full((1, 1, 12, 12), (level + difference) / 255)
        assert bool(changed_region(truth, original).any()) is touched


def test_a_perfect_edit() -> None:
    truth, original = change_one_pixel()
    metric = CounterfactualError()
    metric.update(truth, truth, original)
    assert metric.compute() == {
        "mse": Rate(0.0, 0.0, 0.0, 2),
        "ssim": (pytest.approx(1.0, abs=1e-6), 2),
        "mse_inside": Mean(0.0, 1),
        "mse_outside": Mean(0.0, 2),
        "region": Mean(9 / 512, 2),
        "mse_unedited": (pytest.approx(0.5**2 / (9 * 3)), 1),
    }


def test_no_edit_errs_inside_only_and_a_shift_elsewhere_outside_only() -> None:
    truth, original = change_one_pixel()
    unedited, careless = CounterfactualError(), CounterfactualError()
    unedited.update(original, truth, original)
    damaged = truth.clone()
    damaged[1] += 0.1
    careless.update(damaged, truth, original)
    assert unedited.compute()["mse_inside"].value == pytest.approx(0.5**2 / (9 * 3))
    assert unedited.compute()["mse_outside"].value == 0.0
    assert careless.compute()["mse_inside"].value == 0.0
    assert careless.compute()["mse_unedited"] == unedited.compute()["mse_inside"], "whatever the edit"
    assert careless.compute()["mse_outside"].value == pytest.approx(0.1**2 * 256 / (512 - 9))


def test_what_no_edit_errs_is_taken_inside_alone() -> None:
    truth, original = change_one_pixel()
    metric = CounterfactualError()
    metric.update(original, truth, original + 2 / 255 * (truth == original))  # too little to be a change
    assert metric.compute()["mse_unedited"].value == pytest.approx((0.5**2 + 26 * (2 / 255) ** 2) / 27, rel=1e-4)


def test_regions_add_up() -> None:
    generator = torch.Generator().manual_seed(0)
    original, edited = torch.rand(2, 4, 3, 16, 16, generator=generator)
    truth = original.clone()
    truth[:, :, :6, :9] = torch.rand(4, 3, 6, 9, generator=generator)
    metric = CounterfactualError()
    metric.update(edited, truth, original)
    value = {name: mean.value for name, mean in metric.compute().items()}
    together = value["region"] * value["mse_inside"] + (1 - value["region"]) * value["mse_outside"]
    assert value["mse"] == pytest.approx(together)
    assert value["mse"] == pytest.approx(float((edited - truth).square().mean()), rel=1e-5)
    assert 0.05 < value["region"] < 0.5


def test_the_interval_is_that_of_the_images_errors_however_they_come() -> None:
    edited, truth = torch.rand(2, 30, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    edited *= torch.linspace(0.1, 1, 30).view(-1, 1, 1, 1)
    metric = CounterfactualError()
    for part in ([*range(4)], [*range(4, 30)]):
        metric.update(edited[part], truth[part], truth[part])
    errors = (edited - truth).square().mean((1, 2, 3)).double()
    mean, half = float(errors.mean()), 1.96 * float(errors.std()) / 30**0.5
    assert metric.compute()["mse"] == pytest.approx((mean, mean - half, mean + half, 30), rel=1e-4)


def test_ssim_of_flat_images_in_closed_form_and_per_image() -> None:
    # Without variance SSIM is its luminance term, (2ab + c₁) / (a² + b² + c₁) with c₁ = 0.01².
    flat = torch.tensor([0.2, 0.5, 0.8])[:, None, None, None].expand(3, 1, 16, 16)
    other = torch.tensor([0.6, 0.5, 0.1])[:, None, None, None].expand(3, 1, 16, 16)
    metric = CounterfactualError()
    metric.update(flat, other, flat)
    terms = [(2 * a * b + 1e-4) / (a * a + b * b + 1e-4) for a, b in [(0.2, 0.6), (0.5, 0.5), (0.8, 0.1)]]
    assert metric.compute()["ssim"].value == pytest.approx(sum(terms) / 3, abs=1e-4)


def test_no_true_change_leaves_the_inside_undefined() -> None:
    image = torch.rand(2, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    metric = CounterfactualError()
    metric.update(image, image, image)
    inside = metric.compute()["mse_inside"]
    assert math.isnan(inside.value)
    assert inside.n == 0


def test_refuses_other_shapes() -> None:
    image = torch.zeros(2, 1, 12, 12)
    with pytest.raises(ValueError, match="one shape"):
        CounterfactualError().update(image, image[:1], image)
    with pytest.raises(ValueError, match="at least 11 pixels"):
        CounterfactualError().update(*[image[..., :8]] * 3)
