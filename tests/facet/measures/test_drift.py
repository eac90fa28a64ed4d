"""Drift on flips counted by hand."""

import math

import pytest
import torch

from facet.measures.drift import Drift
from facet.measures.intervals import wilson

JUDGED = ("Smiling", "Eyeglasses", "Black_Hair", "Blond_Hair")


def readings(images: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Readings of reconstructions and, unchanged, of the edits of two attributes."""
    reconstruction = torch.rand(images, 4, generator=torch.Generator().manual_seed(0)) < 0.5
    return reconstruction, reconstruction[:, None].repeat(1, 2, 1)


def test_hand_counted() -> None:
    reconstruction, same = readings(5)
    on, off = same.clone(), same.clone()
    on[:, 0, 0] ^= True  # the edit itself: never drift
    on[:2, 0, 1] ^= True  # making 2 of 5 smile takes off, or puts on, their glasses
    off[4, 0, 3] ^= True
    on[:, 1, 2] ^= True  # adding glasses flips everyone's hair
    metric = Drift(("Smiling", "Black_Hair"), JUDGED)
    metric.update(reconstruction, off, on)
    result = metric.compute()
    zero = wilson(0, 5)
    assert result["Smiling"]["on"] == {"Eyeglasses": wilson(2, 5), "Black_Hair": zero, "Blond_Hair": zero}
    assert result["Smiling"]["off"] == {"Eyeglasses": zero, "Black_Hair": zero, "Blond_Hair": wilson(1, 5)}
    assert result["Smiling"]["mean"] == pytest.approx((2 / 5 + 1 / 5) / 6)
    assert result["Black_Hair"] == {
        "on": dict.fromkeys(("Smiling", "Eyeglasses", "Blond_Hair"), zero),
        "off": dict.fromkeys(("Smiling", "Eyeglasses", "Blond_Hair"), zero),
        "mean": 0.0,
    }


def test_what_excludes_the_edited_attribute_is_left_out() -> None:
    reconstruction, same = readings(6)
    on = same.clone()
    on[:, 1, 3] ^= True  # black hair on: blond hair has to go
    hair = {"Black_Hair": ["Blond_Hair", "Gray_Hair"], "Bald": ["Black_Hair"]}
    excluding, plain = Drift(("Smiling", "Black_Hair"), JUDGED, hair), Drift(("Smiling", "Black_Hair"), JUDGED)
    for metric in (excluding, plain):
        metric.update(reconstruction, same, on)
    assert plain.compute()["Black_Hair"]["mean"] == pytest.approx(1 / 6)
    assert excluding.compute()["Black_Hair"]["mean"] == 0.0
    assert set(excluding.compute()["Black_Hair"]["on"]) == {"Smiling", "Eyeglasses"}
    assert set(excluding.compute()["Smiling"]["on"]) == {"Eyeglasses", "Black_Hair", "Blond_Hair"}


def test_inverting_everything_is_drift_one() -> None:
    reconstruction, same = readings(7)
    metric = Drift(("Smiling", "Mustache"), JUDGED)  # an edited attribute need not be judged
    metric.update(reconstruction, ~same, ~same)
    assert [row["mean"] for row in metric.compute().values()] == [1.0, 1.0]
    assert len(metric.compute()["Mustache"]["on"]) == 4


def test_nothing_else_is_judged() -> None:
    metric = Drift(("Smiling",), ("Smiling",))
    reading = torch.ones(3, 1, dtype=torch.bool)
    metric.update(reading, reading[:, None], reading[:, None])
    assert math.isnan(metric.compute()["Smiling"]["mean"])


def test_refuses_what_it_can_not_count() -> None:
    reconstruction, same = readings(3)
    with pytest.raises(ValueError, match="twice among the judged"):
        Drift(("Smiling",), ("Smiling", "Smiling"))
    with pytest.raises(ValueError, match=r"edit_on has shape \(3, 4\), expected \(3, 2, 4\)"):
        Drift(("Smiling", "Black_Hair"), JUDGED).update(reconstruction, same, reconstruction)
    with pytest.raises(ValueError, match="edit_off must be boolean"):
        Drift(("Smiling", "Black_Hair"), JUDGED).update(reconstruction, same.float(), same)
