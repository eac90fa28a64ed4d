"""``data=heads``: what its images and labels promise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datamodules.heads import HeadsDataModule
from datamodules.heads.factors import TABLE, draw_head
from datamodules.heads.worker import draw_run

SETTINGS: dict[str, Any] = {"seed": 0, "images_per_identity": 1}


def test_a_head_is_a_function_of_its_place() -> None:
    both, second = draw_run(0, 2, "test", 32, **SETTINGS), draw_run(1, 2, "test", 32, **SETTINGS)
    assert np.array_equal(both[0][1:], second[0])
    assert np.array_equal(both[1][1:], second[1])


def test_labels_keep_their_rates() -> None:
    rates, n = {"Smiling": 0.28, "Mustache": 0.3}, 300
    measured = np.mean([draw_head(0, "train", i, 1, 0.8, rates).labels() for i in range(n)], 0)
    table = TABLE.with_rates(rates)
    wanted = {name: sum(rate for rate, names in states.values() if name in names)
              for states in table.groups.values() for _, shown in states.values() for name in shown}  # fmt: skip
    wanted |= table.rates
    assert {name: pytest.approx(rate) for name, rate in rates.items()}.items() <= wanted.items()
    for name, rate in zip(table.names, measured, strict=True):
        assert abs(rate - wanted[name]) < 3 * np.sqrt(wanted[name] * (1 - wanted[name]) / n), name


@pytest.mark.parametrize("name", TABLE.names)
def test_a_flip_changes_labels_of_its_group_alone(name: str) -> None:
    head = draw_head(0, "test", 0, 1)
    value = not head.labels()[TABLE.names.index(name)]
    flipped, group = head.changed(name, value), TABLE.group_of(name)
    changed = {TABLE.names[i] for i in np.flatnonzero(head.labels() != flipped.labels())}
    assert name in changed
    assert changed <= (TABLE.members(group) if group else {name})
    if not group:
        assert flipped.changed(name, not value).attributes == head.attributes


def test_grey_has_equal_channels() -> None:
    image = draw_run(0, 1, "test", 16, grey=True, **SETTINGS)[0][0]
    assert np.array_equal(image[0], image[1])
    assert np.array_equal(image[0], image[2])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rates": {"Tall": 0.2}}, "data.rates: no attribute 'Tall'"),
        ({"rates": {"Smiling": 2}}, "data.rates.Smiling=2: a rate is between 0 and 1"),
        ({"label_noise": 0.5}, "data.label_noise=0.5 is a share of labels: choose from 0 to below 0.5"),
        ({"test_correlation": -1}, "data.test_correlation=-1 is a strength: choose from 0 to 1"),
        (
            {"rates": {"Mustache": 0.7, "Goatee": 0.5}},
            "data.rates: {'Goatee': 0.5, 'Mustache': 0.7} can't hold together",
        ),
        ({"train_size": 0}, "data.train_size=0: it must be at least 1"),
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        HeadsDataModule(root=str(tmp_path), **wrong)
