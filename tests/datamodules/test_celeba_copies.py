"""CelebA's copies as people have them: the same data as the plain one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from celeba_forms import as_kaggle, as_mask_hq, as_png
from small_celeba import SIZE, assert_all_is_read, edit, read, rows, small_celeba


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return small_celeba(tmp_path / "copy")


def plain(root: Path) -> Path:
    return root


def tabs(root: Path) -> Path:
    edit(root / "list_attr_celeba.txt", lambda lines: ["\t".join(line.split()) for line in lines])
    return edit(root / "list_eval_partition.txt", lambda lines: [line.replace(" ", "\t") for line in lines])


def commas_in_text(root: Path) -> Path:
    edit(root / "list_attr_celeba.txt", lambda lines: [",".join(line.split()) for line in lines])
    return edit(root / "list_eval_partition.txt", lambda lines: [line.replace(" ", ",") for line in lines])


def windows(root: Path) -> Path:
    edit(root / "list_attr_celeba.txt", lambda lines: ["\ufeff" + lines[0], *lines[1:], "", ""], "\r\n")
    return edit(root / "list_eval_partition.txt", lambda lines: ["\ufeff" + lines[0], *lines[1:]], "\r\n")


def no_count(root: Path) -> Path:
    return edit(root / "list_attr_celeba.txt", lambda lines: lines[1:])


def a_named_column(root: Path) -> Path:
    return edit(root / "list_attr_celeba.txt", lambda lines: [lines[0], f"image_id {lines[1]}", *lines[2:]])


def a_header_for_the_splits(root: Path) -> Path:
    return edit(root / "list_eval_partition.txt", lambda lines: ["image_id partition", *lines])


def zeros(root: Path) -> Path:
    return edit(root / "list_attr_celeba.txt", lambda lines: [line.replace("-1", " 0") for line in lines])


def in_another_order(root: Path) -> Path:
    return edit(root / "list_attr_celeba.txt", lambda lines: [*lines[:2], *reversed(lines[2:])])


def semicolons(root: Path) -> Path:
    as_kaggle(root)
    for name in ("list_attr_celeba.csv", "list_eval_partition.csv"):
        edit(root / name, lambda lines: ["\ufeff" * (i == 0) + x.replace(",", ";") for i, x in enumerate(lines)])
    return root


def pandas_index(root: Path) -> Path:
    count = iter(range(SIZE))
    return rows(root, lambda row: ["Unnamed: 0" if "Male" in row else str(next(count)), *row])


def pandas_index_of_names(root: Path) -> Path:
    return rows(root, lambda row: ["" if "Male" in row else row[0], *row[1:], "age" if "Male" in row else "20-29"])


def columns_in_another_order(root: Path) -> Path:
    return rows(root, lambda row: [row[0], *reversed(row[1:])])


def a_column_more(root: Path) -> Path:
    return rows(root, lambda row: [*row, "age" if "Male" in row else "20-29"])


def quoted(root: Path) -> Path:
    return rows(root, lambda row: [f'"{cell}"' for cell in row])


def mac_notes(root: Path) -> Path:
    (root / "img_align_celeba" / "._000001.jpg").write_bytes(b"\0\5\x16\7")
    (root / "img_align_celeba" / ".DS_Store").write_bytes(b"")
    (root / "img_align_celeba" / "Thumbs.db").write_bytes(b"")
    return root


def upper_case(root: Path) -> Path:
    for file in (root / "img_align_celeba").iterdir():
        file.rename(file.with_suffix(".JPG"))
    return root


SAME = (
    *(plain, tabs, commas_in_text, windows, no_count, a_named_column, a_header_for_the_splits, zeros),
    *(in_another_order, semicolons, pandas_index, pandas_index_of_names, columns_in_another_order, a_column_more),
    *(quoted, mac_notes, upper_case, as_png),
)


@pytest.mark.parametrize("form", SAME)
def test_what_can_not_be_mistaken_is_read(form: Callable[[Path], Path], copy: Path) -> None:
    assert_all_is_read(copy, form)


def test_mask_hq_has_the_split_of_the_pictures_that_its_are(copy: Path) -> None:
    lines = [line.split() for line in (copy / "list_attr_celeba.txt").read_text().splitlines()[2:]]
    greys, labels = read(as_mask_hq(copy))
    assert greys == [[5, 4, 3, 2, 1, 0], [8, 7, 6], [11, 10, 9]]
    assert labels[2] == [[float(value == "1") for value in line[1:]] for line in reversed(lines[9:])]
