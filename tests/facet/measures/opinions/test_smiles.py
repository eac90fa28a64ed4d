"""What the smile network's readings are counted into, with a network whose readings are known."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from facet.measures.edits import EditRates
from facet.measures.opinions.smiles import Smiles


def look(images: Tensor) -> tuple[Tensor, Tensor]:
    """An image smiles as much as its first pixel is bright, and is said to smile above one half."""
    brightness = images[:, 0, 0, 0]
    return (brightness - 0.5) * 40, brightness > 0.5


def pictures(*brightness: float) -> Tensor:
    return torch.tensor(brightness).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)


def counted(labels: list[float], real: Any, made: Any, off: Any, on: Any, size: int) -> dict[str, Any]:
    smiles = Smiles(look, 1)
    table = torch.stack([torch.zeros(len(labels)), torch.tensor(labels)], 1)
    for start in range(0, len(labels), size):
        part = slice(start, start + size)
        smiles.add(pictures(*real[part]), table[part], pictures(*made[part]), start)
        smiles.add_edits(0, pictures(*made[part]), pictures(*made[part]))  # of the other attribute
        smiles.add_edits(1, pictures(*off[part]), pictures(*on[part]))
    return smiles.compute()


LABELS = [1.0, 1.0, 1.0, 0.0, 0.0, math.nan]
REAL = [0.9, 0.8, 0.3, 0.4, 0.1, 0.9]
MADE = [0.9, 0.2, 0.2, 0.4, 0.7, 0.9]
OFF = [0.1, 0.2, 0.9, 0.1, 0.1, 0.9]
ON = [0.9, 0.3, 0.8, 0.9, 0.2, 0.1]


@pytest.mark.parametrize("size", [1, 4, 6])
def test_readings_by_hand(size: int) -> None:
    found = counted(LABELS, REAL, MADE, OFF, ON, size)
    rates = {name: (rate.value, rate.n) for name, rate in found.items()}
    assert rates == {
        "auc": (pytest.approx(5 / 6), 5),  # .3 with a smile is below .4 without
        "real_on": (pytest.approx(2 / 3), 3),
        "real_off": (1.0, 2),
        "reconstruction_on": (pytest.approx(1 / 3), 3),
        "reconstruction_off": (0.5, 2),
        "on_from_on": (pytest.approx(2 / 3), 3),
        "off_from_on": (pytest.approx(2 / 3), 3),
        "on_from_off": (0.5, 2),
        "off_from_off": (1.0, 2),
        "raised": (0.8, 5),  # of the third face the edit to 0 is happier
    }


def test_edits_are_counted_as_the_judge_counts_them() -> None:
    found = counted(LABELS, REAL, MADE, OFF, ON, 6)
    ours = EditRates(1)
    ours.update(torch.tensor(LABELS)[:, None], *(torch.tensor(v)[:, None] > 0.5 for v in (MADE, OFF, ON)))
    for cell in ("on_from_on", "off_from_on", "on_from_off", "off_from_off"):
        assert found[cell] == ours.compute()[0]["full"][cell]


def test_sure_readings_are_told_apart() -> None:
    """The sigmoid of 19.6 is 1 in float32 as that of 20 is."""
    found = counted([1.0, 0.0], [1.0, 0.99], [1.0, 1.0], [0.0, 0.0], [1.0, 1.0], 2)
    assert found["auc"].value == 1.0


def test_without_faces_of_both_kinds_there_is_no_auc() -> None:
    found = counted([1.0, 1.0], [0.9, 0.9], [0.9, 0.9], [0.1, 0.1], [0.9, 0.9], 2)
    assert math.isnan(found["auc"].value)
    assert math.isnan(found["on_from_off"].value)
    assert found["on_from_on"].value == 1.0
