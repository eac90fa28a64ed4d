"""Labels as people write them, and what is none."""

from typing import Any

import numpy as np
import pytest

from datamodules.tables import codes, fault, settled

WRITTEN = ["1", "0", "true", "False", "", "+1", " 1 ", "TRUE", "nan", "1.0"]
MEANT = [1, 0, 1, 0, -1, 1, 1, 1, -1, 1]


def why(values: list[Any]) -> str | None:
    column = np.array(codes(values), np.int8)
    return fault("Smiling", column, values.__getitem__, lambda row: f"line {row + 2}")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (WRITTEN, MEANT),
        (["-1", "1", "-1.0", "", "true"], [0, 1, 0, -1, 1]),
        ([True, None, 1, False, 0.0], [1, -1, 1, 0, 0]),
        ([-1, 1, None, -1.0], [0, 1, -1, 0]),
    ],
)
def test_labels_as_people_write_them(written: list[Any], meant: list[int]) -> None:
    assert why(written) is None
    assert settled(np.array(codes(written))).tolist() == meant


@pytest.mark.parametrize("wrong", ["2", "yes", "0.5", "-", "20-29", "?"])
def test_what_is_no_label_is_named(wrong: str) -> None:
    assert why(["1", wrong]) == (
        f"line 3: Smiling='{wrong}' is not a label: choose 0/1, -1/1, true/false, or leave it empty"
    )


@pytest.mark.parametrize("values", [["1", "0", "-1"], ["-1", "1", "false"], [0, -1]])
def test_zero_and_minus_one_can_not_both_mean_absent(values: list[Any]) -> None:
    said = why(values)
    assert said is not None
    assert "which of them means absent? Write 0/1 or -1/1, and nothing where it is unknown" in said
    assert said.startswith(f"line {len(values) + 1}: Smiling={values[-1]!r}")
