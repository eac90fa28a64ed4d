"""Labels as people write them, and tables that can't be read."""

from pathlib import Path

import pytest

from datamodules.tables import label, label_column, labels, read_csv

WRITTEN = ["1", "-1", "0", "true", "False", "", "+1", " 1 ", "TRUE", "nan", "1.0"]
MEANT = [1, 0, 0, 1, 0, -1, 1, 1, 1, -1, 1]


def test_labels_as_people_write_them() -> None:
    names = [f"a{i}" for i in range(len(WRITTEN))]
    assert labels(names, WRITTEN) == MEANT
    assert label_column("Smiling", WRITTEN) == MEANT
    assert label_column("Smiling", [True, -1, None, 1, 0.0, False, True]) == [1, 0, -1, 1, 0, 0, 1]


@pytest.mark.parametrize("wrong", ["2", "yes", "0.5", "-"])
def test_what_is_no_label_is_named(wrong: str) -> None:
    said = f"Smiling='{wrong}' is not a label: choose 0/1, -1/1, true/false, or leave it empty"
    with pytest.raises(ValueError, match=said):
        label("Smiling", wrong)
    with pytest.raises(ValueError, match=said):
        labels(["Hat", "Smiling"], ["1", wrong])
    with pytest.raises(ValueError, match=said):
        label_column("Smiling", ["1", wrong])


def test_a_spreadsheet_is_not_a_csv(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"PK\x03\x04\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"labels.csv is not a csv of text in UTF-8"):
        read_csv(tmp_path / "labels.csv")
