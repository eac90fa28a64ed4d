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
    table, n = TABLE.with_rates({"Smiling": 0.28}), 300
    rates = np.mean([draw_head(0, "train", i, 1, 0.8, table).labels() for i in range(n)], 0)
    wanted = {name: sum(rate for rate, names in states.values() if name in names)
              for states in table.groups.values() for _, shown in states.values() for name in shown}  # fmt: skip
    wanted |= table.rates
    assert wanted["Smiling"] == 0.28
    for name, rate in zip(table.names, rates, strict=True):
        assert abs(rate - wanted[name]) < 3 * np.sqrt(wanted[name] * (1 - wanted[name]) / n), name


def test_noise_inverts_its_share_of_labels_and_no_pixels() -> None:
    true, noisy = draw_run(0, 20, "train", 16, **SETTINGS), draw_run(0, 20, "train", 16, label_noise=0.2, **SETTINGS)
    assert np.array_equal(true[0], noisy[0])
    assert abs((true[1] != noisy[1]).mean() - 0.2) < 3 * np.sqrt(0.2 * 0.8 / true[1].size)


def test_test_labels_are_true(tmp_path: Path) -> None:
    data = HeadsDataModule(label_noise=0.2, correlation=0.5, test_correlation=0, root=str(tmp_path))
    assert [data.settings_of(split)["label_noise"] for split in ("train", "val", "test")] == [0.2, 0.2, 0]
    assert [data.settings_of(split)["correlation"] for split in ("train", "val", "test")] == [0.5, 0.5, 0]


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
        ({"rates": {"Smiling": 2}}, "data.rates.Smiling=2.0: a rate is between 0 and 1"),
        ({"label_noise": 2}, "data.label_noise=2 is a strength: choose from 0 to 1"),
        ({"test_correlation": -1}, "data.test_correlation=-1 is a strength: choose from 0 to 1"),
        ({"train_size": 0}, "data.train_size=0: it must be at least 1"),
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        HeadsDataModule(root=str(tmp_path), **wrong)
